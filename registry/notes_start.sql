-- A file of notes to fill in, and after it the names of all schemas. The file has the objects of the schemas $2, or of all but those of the system, that have neither a comment nor a note in
-- $1. What belongs to an extension is left out, and so are partitions. As much as the size of a file allows: schemas and tables first.
WITH namespace AS MATERIALIZED (
  SELECT n.oid, n.nspname
  FROM pg_catalog.pg_namespace AS n
  WHERE CASE WHEN $2::text[] IS NULL THEN n.nspname !~ '^(pg_|information_schema$|_?timescaledb_)' ELSE n.nspname = ANY ($2::text[]) END
), of_extension AS MATERIALIZED (
  SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d WHERE d.deptype = 'e'
), relation AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind, n.nspname
  FROM namespace AS n
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND NOT c.relispartition
    AND c.oid NOT IN (SELECT e.objid FROM of_extension AS e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
), object AS (
  SELECT 0 AS part, n.nspname, NULL AS relname, 0 AS attnum, n.nspname::text AS name, 'pg_catalog.pg_namespace'::pg_catalog.regclass AS classid, n.oid AS objid, 'schema' AS kind
  FROM namespace AS n
  UNION ALL
  SELECT 1, r.nspname, r.relname, 0, pg_catalog.concat(r.nspname, '.', r.relname), 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid,
         CASE r.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END
  FROM relation AS r
  UNION ALL
  SELECT 2, r.nspname, r.relname, a.attnum, pg_catalog.concat(r.nspname, '.', r.relname, '.', a.attname), 'pg_catalog.pg_class'::pg_catalog.regclass, r.oid,
         pg_catalog.format_type(a.atttypid, a.atttypmod)
  FROM relation AS r
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT 3, n.nspname, t.typname, 0, pg_catalog.concat(n.nspname, '.', t.typname), 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 'enum'
  FROM namespace AS n
  JOIN pg_catalog.pg_type AS t ON t.typnamespace = n.oid AND t.typtype = 'e'
  UNION ALL
  -- One for all functions of a name, if none of them has a comment.
  SELECT 4, n.nspname, p.proname, 0, pg_catalog.concat(n.nspname, '.', p.proname, '()'), 'pg_catalog.pg_proc'::pg_catalog.regclass,
         coalesce(pg_catalog.max(p.oid) FILTER (WHERE d.objoid IS NOT NULL), pg_catalog.max(p.oid)), 'function'
  FROM namespace AS n
  JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objsubid = 0
  WHERE p.oid NOT IN (SELECT e.objid FROM of_extension AS e WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
  GROUP BY n.nspname, p.proname
), line AS (
  SELECT l.*,
         l.part IN (1, 2) AND pg_catalog.row_number() OVER (PARTITION BY l.nspname, l.relname, l.part IN (1, 2) ORDER BY l.part, l.attnum) = 1 AS begins,
         pg_catalog.sum(pg_catalog.octet_length(l.text) + 2) OVER (ORDER BY l.part > 1, l.part, l.nspname, l.relname, l.attnum) AS size
  FROM (
    SELECT o.part, o.nspname, o.relname, o.attnum,
           CASE WHEN o.name ~ '^[A-Za-z_][A-Za-z0-9_.()$]*$' THEN o.name ELSE pg_catalog.to_json(o.name)::text END
             || ': ""  # ' || pg_catalog.regexp_replace(o.kind, '\s+', ' ', 'g') AS text
    FROM object AS o
    WHERE NOT EXISTS (
        SELECT FROM pg_catalog.pg_description AS d
        WHERE d.objoid = o.objid AND d.classoid = o.classid AND d.objsubid = o.attnum AND d.description <> '')
      AND o.objid NOT IN (SELECT e.objid FROM of_extension AS e WHERE e.classid = o.classid)
      AND NOT coalesce($1::jsonb ? o.name, false)
      -- What YAML can't hold, or names in quotes within: they are rare.
      AND o.name !~ '["[:cntrl:]]'
  ) AS l
)
SELECT pg_catalog.concat_ws(E'\n',
         '# Notes on objects that have no comment: write a text between the quotes, and leave out what needs none.',
         pg_catalog.string_agg(CASE WHEN l.begins THEN E'\n' ELSE '' END || l.text, E'\n'
                               ORDER BY l.nspname, l.part > 2, coalesce(l.relname, ''), l.part, l.attnum) FILTER (WHERE l.size <= 900000),
         '# ' || nullif(pg_catalog.count(*) FILTER (WHERE l.size > 900000), 0) || ' more objects have no room here: name a schema, or write these notes first.') || E'\n'
FROM line AS l
UNION ALL
SELECT n.nspname FROM pg_catalog.pg_namespace AS n WHERE $2::text[] IS NOT NULL
