/*---
title: Text of a schema
description: The tables, views and enums of one schema as compact text, a line each.
params:
  - {name: schema, type: string, required: true, description: The schema.}
trust: owner
limits: {rows: 5000}
not_found:
  when: |
    SELECT NOT EXISTS (
      SELECT FROM pg_catalog.pg_namespace AS n
      WHERE n.nspname = @schema AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas)))
  message: There is no schema "{schema}" here.
  suggest: |
    SELECT n.nspname FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_(toast|temp)' AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    ORDER BY n.nspname LIMIT 1000
---*/
WITH relation AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind, pg_catalog.obj_description(c.oid, 'pg_class') AS comment
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = @schema
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT c.relispartition
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), constraints AS MATERIALIZED (
  -- Keys and references with their columns in order; a reference to a table that the caller may not see is left out.
  SELECT k.conrelid, k.conname, k.contype, k.conkey[1] AS attnum, pg_catalog.cardinality(k.conkey) AS size,
         own.list || CASE WHEN k.contype <> 'f' AND v.has_period THEN ' WITHOUT OVERLAPS' ELSE '' END AS list,
         CASE WHEN k.contype = 'f' THEN
           ' REFERENCES ' || CASE WHEN n.nspname = @schema THEN '' ELSE pg_catalog.quote_ident(n.nspname) || '.' END
             || pg_catalog.quote_ident(c.relname) || '(' || other.list || ')'
             || CASE WHEN NOT v.is_enforced THEN ' NOT ENFORCED' WHEN NOT k.convalidated THEN ' NOT VALID' ELSE '' END
         END AS reference
  FROM pg_catalog.pg_constraint AS k
  JOIN relation AS r ON r.oid = k.conrelid
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.confrelid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (
    -- Columns of PostgreSQL 18: the last column is a period, and a key that nobody enforces.
    SELECT coalesce((pg_catalog.to_jsonb(k) ->> 'conperiod')::boolean, false) AS has_period,
           coalesce((pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean, true) AS is_enforced
    OFFSET 0
  ) AS v
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(CASE WHEN k.contype = 'f' AND v.has_period AND p.place = pg_catalog.cardinality(k.conkey) THEN 'PERIOD ' ELSE '' END
                                 || pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place) AS list
    FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS p (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.attnum
  ) AS own
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(CASE WHEN v.has_period AND p.place = pg_catalog.cardinality(k.confkey) THEN 'PERIOD ' ELSE '' END
                                 || pg_catalog.quote_ident(a.attname), ', ' ORDER BY p.place) AS list
    FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS p (attnum, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = p.attnum
  ) AS other
  WHERE k.contype IN ('p', 'u')
     -- PostgreSQL clones a key that refers to a partitioned table for its partitions.
     OR k.contype = 'f' AND k.conparentid = 0
        AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
        AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), piece AS (
  -- From here on rows are brought together by GROUP BY, not by joins: of few tables, as the planner expects them, it would compare
  -- each column with each constraint.
  SELECT a.attrelid, a.attnum, '' AS name,
         pg_catalog.quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
           || CASE WHEN a.attnotnull AND NOT EXISTS (
                -- On PostgreSQL 18 there may be NULLs in spite of it.
                SELECT FROM pg_catalog.pg_constraint AS k
                WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated OFFSET 0)
              THEN ' NOT NULL' ELSE '' END AS text
  FROM pg_catalog.pg_attribute AS a
  JOIN relation AS r ON r.oid = a.attrelid
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT k.conrelid, k.attnum, k.conname, k.reference FROM constraints AS k WHERE k.contype = 'f' AND k.size = 1
), part AS (
  SELECT r.oid, NULL AS columns, 0 AS count, NULL AS keys, r.relname::text COLLATE pg_catalog."C" AS name,
         CASE r.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' WHEN 'f' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END
           || pg_catalog.quote_ident(r.relname) AS head,
         ' -- ' || pg_catalog.left(pg_catalog.translate(r.comment, E'\r\n', '  '), 1000) AS tail
  FROM relation AS r
  UNION ALL
  SELECT c.attrelid, pg_catalog.string_agg(c.text, ', ' ORDER BY c.attnum), pg_catalog.count(*), NULL, NULL, NULL, NULL
  FROM (SELECT p.attrelid, p.attnum, pg_catalog.string_agg(p.text, '' ORDER BY p.name) AS text FROM piece AS p GROUP BY p.attrelid, p.attnum) AS c
  GROUP BY c.attrelid
  UNION ALL
  SELECT k.conrelid, NULL, 0,
         pg_catalog.string_agg(
           CASE k.contype WHEN 'p' THEN 'PRIMARY KEY (' WHEN 'u' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END || k.list || ')'
             || coalesce(k.reference, ''), ', ' ORDER BY k.contype = 'f', k.contype, k.conname), NULL, NULL, NULL
  FROM constraints AS k
  WHERE k.contype <> 'f' OR k.size > 1
  GROUP BY k.conrelid
), whole AS (
  SELECT pg_catalog.max(p.name) AS name, pg_catalog.max(p.head) AS head, pg_catalog.max(p.columns) AS columns, pg_catalog.max(p.count) AS count,
         pg_catalog.max(p.keys) AS keys, pg_catalog.max(p.tail) AS tail
  FROM part AS p
  GROUP BY p.oid
), lines AS (
  SELECT 1 AS part, w.name,
         w.head || ' (' || CASE WHEN pg_catalog.octet_length(w.columns) > 8000 THEN w.count || ' columns: describe_table shows them'
                                ELSE pg_catalog.concat_ws(', ', w.columns, w.keys) END || ')' || coalesce(w.tail, '') AS line
  FROM whole AS w
  UNION ALL
  SELECT 0, t.typname::text COLLATE pg_catalog."C",
         'ENUM ' || pg_catalog.quote_ident(t.typname) || ' ('
           || (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
               FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid) || ')'
  FROM pg_catalog.pg_type AS t
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
  WHERE n.nspname = @schema
    AND t.typtype = 'e'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND @caller_tables IS NULL
), measured AS (
  SELECT l.*, pg_catalog.sum(pg_catalog.octet_length(l.line) + 1) OVER (ORDER BY l.part, l.name) AS bytes,
         pg_catalog.count(*) OVER (PARTITION BY l.part) AS whole
  FROM lines AS l
)
-- What a model can read at a time, and a word on the rest.
SELECT line
FROM (
  SELECT m.part, m.name, m.line FROM measured AS m WHERE m.bytes <= 50000
  UNION ALL
  SELECT 2 + m.part, '', pg_catalog.format(CASE m.part
           WHEN 0 THEN '-- left out: %s of %s enums, from %I on; describe_table shows those of its columns'
           ELSE '-- left out: %s of %s tables and views, from %I on; list_tables lists them, describe_table shows one, search_objects finds one' END,
         pg_catalog.count(*), m.whole, pg_catalog.min(m.name))
  FROM measured AS m
  WHERE m.bytes > 50000
  GROUP BY m.part, m.whole
) AS shown
ORDER BY part, name
