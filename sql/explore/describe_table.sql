/*---
title: Describe a table
description: >
  All that a correct query on a table or view needs, in one call: columns with types, defaults and enum labels, keys, checks,
  foreign keys both ways, indexes, partitioning, row security, comments. What is empty is left out. Where a key has a period, the last
  columns join by && instead of =. Call it before you write SQL for a table.
params:
  - name: table_name
    type: string
    names: table
    required: true
    min_length: 1
    description: Table or view; schema.table works too.
  - name: schema
    type: string
    names: schema
    description: Omit to look along the search path.
use: [foreign_key]
access: read
result: object
trust: owner
omit_null: true
tests:
  - args: {table_name: orders}
    expect: {contains: {schema: shop, columns: [{name: id}, {name: status}]}}
  - name: a misspelt name
    args: {table_name: custmers}
    expect: {error: not_found}
---*/
WITH RECURSIVE type_chain AS (
  -- From a column's type through domains and arrays down to the type below: an enum, or where a domain ends.
  SELECT a.attnum, 0 AS depth, y.typtype = 'd' AS in_domain, y.oid, y.typtype, y.typbasetype, y.typtypmod, y.typnotnull,
         y.typelem, y.typcategory
  FROM target AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid AND (y.typtype IN ('d', 'e') OR y.typcategory = 'A')
  UNION ALL
  SELECT c.attnum, c.depth + 1, c.in_domain AND y.typtype = 'd', y.oid, y.typtype, y.typbasetype, y.typtypmod, y.typnotnull,
         y.typelem, y.typcategory
  FROM type_chain AS c
  JOIN pg_catalog.pg_type AS y ON y.oid = CASE WHEN c.typtype = 'd' THEN c.typbasetype ELSE c.typelem END
  WHERE c.typtype = 'd' OR c.typcategory = 'A'
), special_type AS (
  SELECT c.attnum,
         pg_catalog.bool_or(c.typnotnull) FILTER (WHERE c.in_domain) AS not_null,
         (pg_catalog.array_agg(pg_catalog.format_type(c.typbasetype, c.typtypmod) ORDER BY c.depth DESC)
            FILTER (WHERE c.in_domain))[1] AS base_type,
         pg_catalog.array_agg(c.oid) FILTER (WHERE c.typtype = 'd') AS domains,
         pg_catalog.max(c.oid) FILTER (WHERE c.typtype = 'e') AS enum
  FROM type_chain AS c
  GROUP BY c.attnum
), index AS MATERIALIZED (
  SELECT x.relname AS name, i.indexrelid, i.indisprimary, i.indisvalid,
         -- A key WITHOUT OVERLAPS (PostgreSQL 18): the last column is a period, which overlaps no other of the same key.
         CASE WHEN i.indisunique AND i.indisexclusion THEN true END AS without_overlaps,
         -- A partial index, or one on an expression, promises nothing about the columns of every row.
         i.indisunique AND i.indisvalid AND i.indpred IS NULL AND 0 <> ALL (i.indkey) AS is_key,
         (SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place)
          FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY AS p (attnum, place)
          JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
          WHERE p.place <= i.indnkeyatts) AS columns
  FROM target AS t
  JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
  JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
)
SELECT t.schema,
       t.table_name,
       CASE t.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                      WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' END AS kind,
       (SELECT d.description FROM pg_catalog.pg_description AS d
        WHERE d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0) AS comment,
       -- What this login may read, and which rows of it. A caller's own queries may run with another role, which is not known here.
       CASE WHEN NOT e.is_readable AND @caller_role IS NULL THEN false END AS readable,
       CASE WHEN t.relrowsecurity THEN (
         SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object(
           'binds_this_login', CASE WHEN @caller_role IS NULL THEN pg_catalog.row_security_active(t.oid) END, 'policies',
           coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
             'name', q.polname,
             'command', CASE q.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
             'restrictive', CASE WHEN NOT q.polpermissive THEN true END,
             'roles', CASE WHEN q.polroles <> '{0}' THEN (
               SELECT pg_catalog.array_agg(CASE WHEN r.oid = 0 THEN 'public' ELSE pg_catalog.pg_get_userbyid(r.oid) END) FROM pg_catalog.unnest(q.polroles) AS r (oid)) END,
             -- An expression may name what a role does not see.
             'using', CASE WHEN @caller_role IS NULL THEN pg_catalog.pg_get_expr(q.polqual, q.polrelid) END,
             'with_check', CASE WHEN @caller_role IS NULL THEN pg_catalog.pg_get_expr(q.polwithcheck, q.polrelid) END) ORDER BY q.polname), '[]')))
         FROM pg_catalog.pg_policy AS q WHERE q.polrelid = t.oid) END AS row_security,
       CASE WHEN NOT e.is_elsewhere THEN e.row_estimate END AS row_estimate,
       CASE WHEN e.is_elsewhere THEN 'The rows are on other nodes.'
            WHEN e.unknown > 0 AND e.row_estimate IS NOT NULL
            THEN pg_catalog.format('%s of %s parts were never analysed, and are not counted.', e.unknown, e.parts) END AS estimate_note,
       coalesce((
         SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
           'name', a.attname,
           'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
           'nullable', NOT (a.attnotnull AND n.status IS NULL OR coalesce(s.not_null, false)),
           'not_null', n.status,
           'readable', CASE WHEN e.is_readable AND @caller_role IS NULL AND NOT pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT') THEN false END,
           'default', CASE WHEN a.attgenerated <> '' OR a.attidentity <> '' THEN NULL
                           WHEN v.adbin IS NOT NULL THEN pg_catalog.pg_get_expr(v.adbin, v.adrelid)
                           WHEN y.typtype = 'd' THEN y.typdefault END,
           'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
           'expression', CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(v.adbin, v.adrelid) END,
           'identity', CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
           'base_type', s.base_type,
           'checks', CASE WHEN s.domains IS NOT NULL THEN (
             SELECT pg_catalog.json_agg(pg_catalog.pg_get_constraintdef(k.oid) ORDER BY k.conname)
             FROM pg_catalog.pg_constraint AS k WHERE k.contypid = ANY (s.domains) AND k.contype = 'c') END,
           'enum', CASE WHEN s.enum IS NOT NULL THEN (
             SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
             FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = s.enum) END,
           'comment', d.description) ORDER BY a.attnum))
         FROM pg_catalog.pg_attribute AS a
         JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
         LEFT JOIN special_type AS s ON s.attnum = a.attnum
         LEFT JOIN pg_catalog.pg_attrdef AS v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
         LEFT JOIN pg_catalog.pg_description AS d
           ON d.objoid = a.attrelid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = a.attnum
         LEFT JOIN LATERAL (
           -- On PostgreSQL 18 there may be NULLs in spite of it.
           SELECT 'not validated' AS status
           FROM pg_catalog.pg_constraint AS k
           WHERE k.conrelid = t.oid AND k.contype = 'n' AND k.conkey[1] = a.attnum AND NOT k.convalidated
           LIMIT 1
         ) AS n ON true
         WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
       ), '[]') AS columns,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_build_object('name', i.name, 'columns', i.columns, 'without_overlaps', i.without_overlaps))
        FROM index AS i WHERE i.indisprimary) AS primary_key,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(
          pg_catalog.json_build_object('name', i.name, 'columns', i.columns, 'without_overlaps', i.without_overlaps) ORDER BY i.name))
        FROM index AS i WHERE i.is_key AND NOT i.indisprimary) AS unique_keys,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'c') AS checks,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)) ORDER BY k.conname)
        FROM pg_catalog.pg_constraint AS k WHERE k.conrelid = t.oid AND k.contype = 'x') AS exclusions,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.name, 'columns', k.columns, 'referenced_schema', k.referenced_schema, 'referenced_table', k.referenced_table,
          'referenced_columns', k.referenced_columns, 'on_delete', k.on_delete, 'on_update', k.on_update, 'period', k.period, 'status', k.status) ORDER BY k.name))
        FROM foreign_key AS k WHERE k.direction <> 'incoming') AS foreign_keys,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', k.name, 'schema', k.schema, 'table_name', k.table_name, 'columns', k.columns,
          'referenced_columns', k.referenced_columns, 'on_delete', k.on_delete, 'on_update', k.on_update, 'period', k.period, 'status', k.status)
          ORDER BY k.schema, k.table_name, k.name))
        FROM foreign_key AS k WHERE k.direction = 'incoming') AS referenced_by,
       (SELECT pg_catalog.json_strip_nulls(pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', i.name, 'definition', pg_catalog.pg_get_indexdef(i.indexrelid),
          'valid', CASE WHEN NOT i.indisvalid THEN false END) ORDER BY i.name))
        FROM index AS i) AS indexes,
       CASE WHEN t.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(t.oid) END AS partition_key,
       CASE WHEN t.relkind = 'p' THEN (
         SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = t.oid) END AS partition_count,
       CASE WHEN t.relpartbound IS NOT NULL THEN (
         SELECT pg_catalog.json_build_object('schema', r.schema, 'table_name', r.table_name,
                                             'bound', pg_catalog.pg_get_expr(t.relpartbound, t.oid))
         FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhparent WHERE i.inhrelid = t.oid) END AS parent,
       CASE WHEN t.relpartbound IS NULL THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', r.schema, 'table_name', r.table_name) ORDER BY i.inhseqno)
         FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhparent WHERE i.inhrelid = t.oid) END AS inherits,
       CASE WHEN t.relkind <> 'p' THEN (
         SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', h.schema, 'table_name', h.table_name) ORDER BY h.schema, h.table_name)
         FROM (SELECT r.schema, r.table_name FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhrelid
               WHERE i.inhparent = t.oid ORDER BY r.schema, r.table_name LIMIT 10) AS h) END AS inherited_by,
       -- Where those are some of many.
       CASE WHEN t.relkind <> 'p' THEN (
         SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits AS i JOIN relation AS r ON r.oid = i.inhrelid
         WHERE i.inhparent = t.oid HAVING pg_catalog.count(*) > 10) END AS child_count
FROM target AS t
CROSS JOIN LATERAL (
  -- With the rows of partitions and children, which a query of the table reads, too. -1 is "never analysed".
  WITH RECURSIVE part AS (
    SELECT t.oid
    UNION
    SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid
  )
  SELECT pg_catalog.sum(p.reltuples::bigint) FILTER (WHERE p.reltuples >= 0)::bigint AS row_estimate,
         pg_catalog.count(*) FILTER (WHERE p.reltuples < 0) AS unknown,
         pg_catalog.count(*) AS parts,
         pg_catalog.has_any_column_privilege(t.oid, 'SELECT') AS is_readable,
         -- Citus keeps the rows of a table that has this trigger on other nodes.
         EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                 WHERE g.tgrelid = t.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere
  FROM part
  CROSS JOIN LATERAL (SELECT p.* FROM pg_catalog.pg_class AS p WHERE p.oid = part.oid OFFSET 0) AS p
  WHERE p.relkind NOT IN ('p', 'v')
) AS e
