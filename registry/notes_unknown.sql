-- The names in $1, an object of notes, that no object of the database has; the first $2 with the names near to them, each in a row.
WITH known AS MATERIALIZED (
  SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace AS n
  UNION ALL
  SELECT pg_catalog.concat(n.nspname, '.', c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL
  SELECT pg_catalog.concat(n.nspname, '.', c.relname, '.', a.attname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION ALL
  SELECT pg_catalog.concat(n.nspname, '.', t.typname)
  FROM pg_catalog.pg_type AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  WHERE t.typtype = 'e'
  UNION ALL
  SELECT pg_catalog.concat(n.nspname, '.', p.proname, '()')
  FROM pg_catalog.pg_proc AS p
  JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
), part AS MATERIALIZED (
  SELECT k.name, pg_catalog.split_part(k.name, '.', 1) AS schema, pg_catalog.regexp_replace(k.name, '\.[^.]*$', '') AS parent,
         pg_catalog.regexp_replace(k.name, '^.*\.', '') AS last, pg_catalog.length(k.name) AS length
  FROM known AS k
  WHERE k.name !~ '^(pg_|information_schema\.)'
), unknown AS MATERIALIZED (
  SELECT k.name, pg_catalog.split_part(k.name, '.', 1) AS schema, pg_catalog.regexp_replace(k.name, '\.[^.]*$', '') AS parent,
         pg_catalog.regexp_replace(k.name, '^.*\.', '') AS last, pg_catalog.length(k.name) AS length,
         pg_catalog.row_number() OVER (ORDER BY k.name) AS place
  FROM pg_catalog.jsonb_object_keys($1::jsonb) AS k (name)
  WHERE NOT EXISTS (SELECT FROM known AS n WHERE n.name = k.name)
)
SELECT u.name, near.name
FROM unknown AS u
LEFT JOIN LATERAL (
  SELECT p.name
  FROM part AS p
  WHERE u.place <= $2::int AND p.length BETWEEN u.length - 4 AND u.length + 4
  -- Those that share the most parts first, then by a lower bound of the edit distance.
  ORDER BY (p.schema <> u.schema)::int + (p.parent <> u.parent)::int + (p.last <> u.last)::int,
           greatest(pg_catalog.length(pg_catalog.translate(p.name, u.name, '')), pg_catalog.length(pg_catalog.translate(u.name, p.name, ''))), p.name
  LIMIT 200
) AS near ON true
