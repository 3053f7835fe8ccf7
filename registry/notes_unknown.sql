-- The names in $1, an object of notes, that no object of the database has, each with names near to it; NULL where there are none.
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
), unknown AS MATERIALIZED (
  SELECT k.name, pg_catalog.row_number() OVER (ORDER BY k.name) AS place
  FROM pg_catalog.jsonb_object_keys($1::jsonb) AS k (name)
  WHERE NOT EXISTS (SELECT FROM known AS n WHERE n.name = k.name)
)
SELECT u.name, near.name
FROM unknown AS u
LEFT JOIN LATERAL (
  SELECT k.name
  FROM known AS k
  CROSS JOIN LATERAL (SELECT pg_catalog.lower(k.name) AS candidate, pg_catalog.lower(u.name) AS word) AS w
  WHERE u.place <= 50
    AND pg_catalog.abs(pg_catalog.length(k.name) - pg_catalog.length(u.name)) <= 4
    AND k.name !~ '^(pg_|information_schema\.)'
  -- Those with the same schema and table first, then by a lower bound of the edit distance.
  ORDER BY (pg_catalog.split_part(w.candidate, '.', 1) <> pg_catalog.split_part(w.word, '.', 1))::int
             + (pg_catalog.regexp_replace(w.candidate, '\.[^.]*$', '') <> pg_catalog.regexp_replace(w.word, '\.[^.]*$', ''))::int
             + (pg_catalog.regexp_replace(w.candidate, '^.*\.', '') <> pg_catalog.regexp_replace(w.word, '^.*\.', ''))::int,
           greatest(pg_catalog.length(pg_catalog.translate(w.candidate, w.word, '')), pg_catalog.length(pg_catalog.translate(w.word, w.candidate, ''))),
           k.name
  LIMIT 200
) AS near ON true
