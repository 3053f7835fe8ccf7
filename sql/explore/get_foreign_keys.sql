/*---
title: Foreign keys of a table
description: >
  The foreign keys of a table in both directions: outgoing, incoming, or self for a table that references itself.
  Use it to write joins: columns are in the order of the key, so that they pair up; where the key has a period, the last ones by &&.
params:
  - name: table_name
    type: string
    required: true
    min_length: 1
    description: Table or view; schema.table works too.
  - name: schema
    type: string
    description: Omit to look along the search path.
access: read
trust: owner
omit_null: true
not_found:
  when: |
    WITH relation AS NOT MATERIALIZED (
      -- All that the caller may see: every relation named below comes through here.
      SELECT c.oid, n.nspname AS schema, c.relname AS table_name
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND c.relpersistence <> 't'
        AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
        AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
    ), target AS MATERIALIZED (
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
    SELECT NOT EXISTS (SELECT FROM target)
  message: There is no table or view "{table_name}" here. Names are exact, without quotes.
  suggest: |
    -- Nearest first by a lower bound of the edit distance, so that the cut keeps the best.
    SELECT CASE WHEN n.nspname = coalesce(@schema, pg_catalog.current_schema()) THEN c.relname::text
                ELSE pg_catalog.format('%s.%s', n.nspname, c.relname) END
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
      SELECT pg_catalog.lower(c.relname::text) AS candidate,
             pg_catalog.lower(pg_catalog.regexp_replace(@table_name, '^.*\.', '')) AS word,
             pg_catalog.lower(n.nspname::text) AS place,
             pg_catalog.lower(coalesce(@schema, pg_catalog.substring(@table_name, '^(.*)\.'), pg_catalog.current_schema()::text)) AS wanted_place
    ) AS w
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND c.relpersistence <> 't'
      AND (n.nspname !~ '^(pg_|information_schema$)' OR n.nspname = @schema)
      AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
      AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
    ORDER BY greatest(pg_catalog.length(pg_catalog.translate(w.candidate, w.word, '')),
                      pg_catalog.length(pg_catalog.translate(w.word, w.candidate, '')),
                      pg_catalog.abs(pg_catalog.length(w.candidate) - pg_catalog.length(w.word))),
             greatest(pg_catalog.length(pg_catalog.translate(w.place, w.wanted_place, '')),
                      pg_catalog.length(pg_catalog.translate(w.wanted_place, w.place, '')),
                      pg_catalog.abs(pg_catalog.length(w.place) - pg_catalog.length(w.wanted_place))),
             n.nspname, c.relname
    LIMIT 50
tests:
  - args: {table_name: shop.order_items}
    expect: {contains: [{direction: outgoing, columns: [order_id], referenced_table: orders}]}
  - name: a table that references itself
    args: {table_name: categories}
    expect: {contains: [{direction: self}]}
  - args: {table_name: ordrs}
    expect: {error: not_found}
---*/
WITH relation AS NOT MATERIALIZED (
  -- All that the caller may see: every relation named below comes through here.
  SELECT c.oid, n.nspname AS schema, c.relname AS table_name
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
), target AS MATERIALIZED (
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
), foreign_key AS MATERIALIZED (
  -- Both ways, each constraint once. Incoming ones through pg_depend, for pg_constraint has no index on confrelid.
  SELECT k.conname AS name,
         CASE WHEN k.conrelid = k.confrelid THEN 'self' WHEN k.conrelid = t.oid THEN 'outgoing' ELSE 'incoming' END AS direction,
         f.schema, f.table_name, own.columns,
         r.schema AS referenced_schema, r.table_name AS referenced_table, own.referenced_columns,
         CASE k.confdeltype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                            WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_delete,
         CASE k.confupdtype WHEN 'a' THEN 'NO ACTION' WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE'
                            WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' END AS on_update,
         -- Columns of PostgreSQL 18: the last pair overlaps instead of being equal; nobody enforces the key.
         CASE WHEN (pg_catalog.to_jsonb(k) ->> 'conperiod')::boolean THEN true END AS period,
         CASE WHEN NOT (pg_catalog.to_jsonb(k) ->> 'conenforced')::boolean THEN 'not enforced' WHEN NOT k.convalidated THEN 'not validated' END AS status
  FROM target AS t
  CROSS JOIN LATERAL (
    SELECT o.oid FROM pg_catalog.pg_constraint AS o WHERE o.conrelid = t.oid AND o.contype = 'f'
    UNION
    SELECT d.objid
    FROM pg_catalog.pg_depend AS d
    WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = t.oid
      AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
  ) AS found
  JOIN pg_catalog.pg_constraint AS k ON k.oid = found.oid
  JOIN relation AS f ON f.oid = k.conrelid
  JOIN relation AS r ON r.oid = k.confrelid
  CROSS JOIN LATERAL (
    SELECT pg_catalog.array_agg(a.attname::text ORDER BY p.place) AS columns,
           pg_catalog.array_agg(b.attname::text ORDER BY p.place) AS referenced_columns
    FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY AS p (attnum, referenced, place)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = p.attnum
    JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = p.referenced
  ) AS own
  WHERE k.contype = 'f'
    -- PostgreSQL clones a key of or to a partitioned table for the partitions: hide the clone where its original shows.
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_constraint AS original
      WHERE original.oid = k.conparentid
        AND CASE t.oid WHEN k.conrelid THEN original.conrelid = t.oid ELSE original.confrelid = t.oid END)
)
SELECT k.name, k.direction, k.schema, k.table_name, k.columns,
       k.referenced_schema, k.referenced_table, k.referenced_columns, k.on_delete, k.on_update, k.period, k.status
FROM foreign_key AS k
ORDER BY pg_catalog.array_position(ARRAY['outgoing', 'self', 'incoming'], k.direction), k.schema, k.table_name, k.name
