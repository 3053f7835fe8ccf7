-- The tables and views that @table_name and @schema name, one for each name that there is.
-- needs: wanted_name
targets AS MATERIALIZED (
  -- The name as it is, along the search path; then split at each of its dots. As text, so that nothing is cut at 63 bytes.
  SELECT DISTINCT ON (r.oid) r.*, w.place, pg_catalog.array_agg(w.place) OVER (PARTITION BY r.oid) AS places
  FROM wanted_name AS w
  CROSS JOIN LATERAL (
    SELECT r.*
    FROM (
      SELECT s.schema, f.name AS table_name, s.place + f.place AS place
      FROM pg_catalog.unnest(CASE WHEN @schema IS NULL THEN pg_catalog.current_schemas(true)::text[] ELSE ARRAY[@schema] END)
           WITH ORDINALITY AS s (schema, place),
           (VALUES (w.name, 0), (pg_catalog.replace(pg_catalog.substring(w.name, '^"(.+)"$'), '""', '"'), 1000)) AS f (name, place)
      UNION ALL
      SELECT CASE WHEN p.schema ~ '^".+"$' THEN pg_catalog.replace(pg_catalog.btrim(p.schema, '"'), '""', '"') ELSE p.schema END, v.table_name, 1000000 + p.dot
      FROM (VALUES (w.name), (pg_catalog.substring(w.name, '^"([^"]+)"$'))) AS f (name)
      CROSS JOIN LATERAL (
        SELECT dot, pg_catalog.left(f.name, dot - 1) AS schema, pg_catalog.substr(f.name, dot + 1) AS table_name
        FROM pg_catalog.generate_series(2, pg_catalog.length(f.name) - 1) AS dot
        WHERE pg_catalog.substr(f.name, dot, 1) = '.'
      ) AS p
      CROSS JOIN LATERAL (VALUES (p.table_name), (pg_catalog.replace(pg_catalog.substring(p.table_name, '^"(.+)"$'), '""', '"'))) AS v (table_name)
    ) AS wanted
    JOIN relation AS r ON r.schema = wanted.schema AND r.table_name = wanted.table_name
    WHERE @schema IS NULL OR r.schema = @schema
    ORDER BY wanted.place
    LIMIT 1
  ) AS r
  WHERE w.place <= 20
  ORDER BY r.oid, w.place
)
