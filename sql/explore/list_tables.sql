/*---
title: List tables
description: >
  Tables and views of one schema with comment, and with rows and bytes as of the last ANALYZE, partitions and children included: page by page,
  for what the map leaves out. Partitions themselves only where table_types names them.
params:
  - name: schema
    type: string
    names: schema
    description: Omit for the current schema.
  - name: name_pattern
    type: string
    description: ILIKE pattern.
  - name: table_types
    type: string[]
    enum: [table, view, materialized view, foreign table, partitioned table, partition]
    description: Omit for all but partitions.
access: read
trust: owner
omit_null: true
page: {key: [table_name], size: 200, max: 1000}
tests:
  - args: {schema: shop, name_pattern: 'order%'}
    expect: {contains: [{table_name: orders}, {table_name: order_items}]}
  - args: {table_types: [view], page_size: 2}
    expect: {max_rows: 2}
  - args: {schema: shp}
    expect: {error: not_found}
---*/
WITH namespace AS (
  SELECT n.oid, n.nspname
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname = coalesce(@schema, pg_catalog.current_schema())
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
), member AS (
  -- pg_class has no index by schema. pg_depend has one, and holds every relation but those that initdb makes.
  SELECT d.objid AS oid
  FROM namespace AS n
  JOIN pg_catalog.pg_depend AS d ON d.refobjid = n.oid
  WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  UNION ALL
  SELECT c.oid
  FROM pg_catalog.pg_class AS c
  WHERE c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace
    AND coalesce(@schema, pg_catalog.current_schema()) = 'pg_catalog'
)
SELECT n.nspname AS schema,
       c.relname AS table_name,
       k.table_type,
       CASE WHEN c.relispartition THEN (
         SELECT pg_catalog.format('%s.%s', pn.nspname, p.relname)
         FROM pg_catalog.pg_inherits AS i
         JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent
         JOIN pg_catalog.pg_namespace AS pn ON pn.oid = p.relnamespace
         WHERE i.inhrelid = c.oid
           AND (@caller_schemas IS NULL OR pn.nspname = ANY (@caller_schemas))
           AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', pn.nspname, p.relname) = ANY (@caller_tables)))
       END AS partition_of,
       -- -1 is "never analysed". A partitioned table has the rows of its leaves, which autovacuum keeps fresh.
       CASE WHEN k.is_elsewhere THEN NULL
            WHEN k.parts IS NOT NULL THEN k.parts[1]
            WHEN c.relkind <> 'v' AND c.reltuples >= 0 THEN c.reltuples END::bigint AS row_estimate,
       -- The size on disk itself would wait for the lock of every ALTER TABLE, and costs a system call for each file.
       CASE WHEN k.is_elsewhere THEN NULL
            WHEN k.parts IS NOT NULL THEN k.parts[2]
            WHEN c.relkind IN ('r', 'm') AND c.reltuples >= 0 THEN c.relpages END
         * pg_catalog.current_setting('block_size')::bigint AS byte_estimate,
       CASE WHEN k.is_elsewhere THEN 'The rows are on other nodes.'
            WHEN k.parts[3] > 0 AND k.parts[1] IS NOT NULL
            THEN pg_catalog.format('%s of %s parts were never analysed, and are not counted.', k.parts[3], k.parts[4]) END AS estimate_note,
       CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(n.nspname, '.', c.relname)), '') END AS comment
FROM namespace AS n
CROSS JOIN member AS m
-- OFFSET keeps the planner from starting at pg_class, of whose rows the conditions below let it expect too few.
CROSS JOIN LATERAL (
  SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relispartition, c.relhassubclass, c.relhastriggers, c.reltuples, c.relpages
  FROM pg_catalog.pg_class AS c WHERE c.oid = m.oid OFFSET 0
) AS c
CROSS JOIN LATERAL (
  SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                        WHEN 'f' THEN 'foreign table' WHEN 'p' THEN 'partitioned table' END AS table_type,
         -- Citus keeps the rows of a table that has this trigger on other nodes.
         c.relhastriggers AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
           WHERE g.tgrelid = c.oid AND g.tgfoid = pg_catalog.to_regproc('pg_catalog.citus_truncate_trigger')) AS is_elsewhere,
         CASE WHEN c.relkind = 'p' OR c.relhassubclass THEN (
           WITH RECURSIVE part AS (
             SELECT c.oid
             UNION
             SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid
           )
           SELECT ARRAY[pg_catalog.sum(p.reltuples::bigint) FILTER (WHERE p.reltuples >= 0), pg_catalog.sum(p.relpages) FILTER (WHERE p.reltuples >= 0),
                        pg_catalog.count(*) FILTER (WHERE p.reltuples < 0), pg_catalog.count(*)]::bigint[]
           FROM part
           JOIN pg_catalog.pg_class AS p ON p.oid = part.oid
           WHERE p.relkind <> 'p')
         END AS parts
  OFFSET 0  -- once for each row
) AS k
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = c.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relpersistence <> 't'
  AND (@name_pattern IS NULL OR c.relname::text COLLATE pg_catalog."default" ILIKE @name_pattern)
  AND CASE WHEN @table_types IS NULL THEN NOT c.relispartition
           WHEN c.relispartition THEN 'partition' = ANY (@table_types)
           ELSE k.table_type = ANY (@table_types) END
  AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
