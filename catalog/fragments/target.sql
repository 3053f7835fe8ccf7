-- The table or view that @table_name and @schema name: one row, or none.
-- needs: relation
target AS MATERIALIZED (
  -- The name as it is, along the search path; then split at each of its dots. As text, so that nothing is cut at 63 bytes.
  SELECT r.*
  FROM (
    SELECT s.schema, @table_name AS table_name, s.place
    FROM pg_catalog.unnest(CASE WHEN @schema IS NULL THEN pg_catalog.current_schemas(true)::text[] ELSE ARRAY[@schema] END)
         WITH ORDINALITY AS s (schema, place)
    UNION ALL
    SELECT pg_catalog.left(@table_name, dot - 1), pg_catalog.substr(@table_name, dot + 1), 1000000 + dot
    FROM pg_catalog.generate_series(2, pg_catalog.length(@table_name) - 1) AS dot
    WHERE pg_catalog.substr(@table_name, dot, 1) = '.'
      AND (@schema IS NULL OR @schema = pg_catalog.left(@table_name, dot - 1))
  ) AS wanted
  JOIN relation AS r ON r.schema = wanted.schema AND r.table_name = wanted.table_name
  ORDER BY wanted.place
  LIMIT 1
)
