-- The common and the rare values of columns, as ANALYZE saw them: $1 are the columns, $2 the tables that they may be of.
SELECT pg_catalog.json_build_array(u.place,
         coalesce(s.common[1], s.bounds[1 + pg_catalog.cardinality(s.bounds) / 2]),
         coalesce(s.bounds[1 + pg_catalog.cardinality(s.bounds) / 2], s.common[pg_catalog.cardinality(s.common)]))::text
FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS u (name, place)
CROSS JOIN LATERAL (
  SELECT s.most_common_vals::text::text[] AS common, s.histogram_bounds::text::text[] AS bounds
  FROM pg_catalog.pg_stats AS s
  JOIN pg_catalog.unnest($2::pg_catalog.text[]) AS t (name)
    ON pg_catalog.to_regclass(t.name) = pg_catalog.to_regclass(pg_catalog.format('%I.%I', s.schemaname, s.tablename))
  WHERE s.attname = u.name
  LIMIT 1
) AS s
