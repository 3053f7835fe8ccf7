/*---
title: Search tables, columns and functions
description: >
  Finds tables, columns and functions by words in their names, comments and enum labels, in any order, best match first (rank 1). name is ready for SQL.
params:
  - name: pattern
    type: string
    required: true
    min_length: 1
    max_length: 200
    description: Words, case-insensitive; % and _ are wildcards.
  - name: kinds
    type: string[]
    enum: [table, column, function]
    description: Omit for all.
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: detail
    type: string
    enum: [names, summary, full]
    default: summary
    description: full adds the columns of tables.
access: read
trust: owner
omit_null: true
page: {key: [rank, name], size: 25, max: 200}
not_found:
  message: >-
    Nothing has all words of "{pattern}" in its name or comment. Search wider: with one word, or the start of it; without kinds and schema; with
    other words for the same thing, in the language of the comments. list_tables shows all tables of a schema.
tests:
  - args: {pattern: order, kinds: [table]}
    expect: {contains: [{name: shop.orders, kind: table, type: table}]}
  - name: a comment
    args: {pattern: warehouse, detail: names}
    expect: {contains: [{name: shop.products.stock, kind: column}]}
  - args: {pattern: '"shop"."orders"', kinds: [table], schema: '"shop"'}
    expect: {contains: [{name: shop.orders}]}
  - name: a label of an enum
    args: {pattern: shipped, kinds: [column]}
    expect: {contains: [{name: shop.orders.status, type: 'order_status (pending, paid, shipped, delivered, cancelled)'}]}
  - name: a plural that nothing is named by
    args: {pattern: statuses}
    expect: {contains: [{name: shop.orders.status}]}
  - args: {pattern: ''}
    expect: {error: invalid_arguments}
  - args: {pattern: zebra}
    expect: {error: not_found}
---*/
WITH wanted AS MATERIALIZED (
  -- Where nothing has the words, a plural finds the singular, and the other way round.
  SELECT pg_catalog.array_agg('%' || w.word || '%') AS exact_words,
         pg_catalog.array_agg('%' || CASE WHEN w.word ~ '^[[:alpha:]]{5,}$' THEN pg_catalog.regexp_replace(w.word, '(ies|(?<=s|x|ch|sh)es|y|s)$', '', 'i') ELSE w.word END || '%') AS words,
         -- Folding beyond ASCII is slow, and needed only for a pattern that holds such letters.
         pg_catalog.octet_length(@pattern) = pg_catalog.length(@pattern) AS ascii
  FROM pg_catalog.regexp_split_to_table(@pattern, '[\s."]+') AS w (word)
  WHERE w.word <> ''
), namespace AS MATERIALIZED (
  SELECT n.oid, n.nspname
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname !~ '^pg_(toast_)?temp_'
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
), chunk AS MATERIALIZED (
  -- Of a table with many children they say no more than the table: partitions by inheritance, such as chunks of TimescaleDB.
  SELECT i.inhrelid
  FROM pg_catalog.pg_inherits AS i
  WHERE @schema IS NULL AND i.inhparent IN (
    SELECT m.inhparent FROM pg_catalog.pg_inherits AS m GROUP BY m.inhparent HAVING pg_catalog.count(*) > 10)
), candidate AS MATERIALIZED (
  -- What has one of the words in its own name or comment, in any schema: attnum is 0 for a table, NULL for a function.
  SELECT c.oid, 0 AS attnum
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND CASE WHEN (SELECT w.ascii FROM wanted AS w) THEN c.relname ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
             ELSE c.relname::text COLLATE pg_catalog."default" ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[]) END
  UNION
  SELECT a.attrelid, a.attnum
  FROM pg_catalog.pg_attribute AS a
  WHERE (@kinds IS NULL OR 'column' = ANY (@kinds))
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND CASE WHEN (SELECT w.ascii FROM wanted AS w) THEN a.attname ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
             ELSE a.attname::text COLLATE pg_catalog."default" ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[]) END
  UNION
  SELECT p.oid, NULL
  FROM pg_catalog.pg_proc AS p
  WHERE CASE WHEN (SELECT w.ascii FROM wanted AS w) THEN p.proname ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
             ELSE p.proname::text COLLATE pg_catalog."default" ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[]) END
  UNION
  SELECT a.attrelid, a.attnum
  FROM pg_catalog.pg_enum AS e
  JOIN pg_catalog.pg_attribute AS a ON a.atttypid = e.enumtypid
  WHERE (@kinds IS NULL OR 'column' = ANY (@kinds))
    AND a.attnum > 0
    AND NOT a.attisdropped
    AND e.enumlabel ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
  UNION
  SELECT d.objoid, CASE WHEN d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objsubid END
  FROM pg_catalog.pg_description AS d
  WHERE d.classoid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
    AND d.description ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
), object AS (
  SELECT CASE WHEN a.attnum IS NULL THEN 1 ELSE 2 END AS kind, c.oid, n.nspname, c.relname, c.relkind,
         coalesce(a.attname, c.relname)::text COLLATE pg_catalog."default" AS name, a.atttypid, a.atttypmod,
         pg_catalog.concat(n.nspname, ' ', c.relname) AS place, d.description,
         (SELECT pg_catalog.string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = a.atttypid) AS labels
  FROM candidate AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.oid
  JOIN namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.oid AND a.attnum = k.attnum AND k.attnum > 0
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = k.oid AND d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = k.attnum
  WHERE k.attnum IS NOT NULL
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND NOT c.relispartition
    AND k.oid NOT IN (SELECT h.inhrelid FROM chunk AS h)
    AND (@kinds IS NULL OR CASE k.attnum WHEN 0 THEN 'table' ELSE 'column' END = ANY (@kinds))
    AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
  UNION ALL
  SELECT 3, p.oid, n.nspname, p.proname, p.prokind, p.proname::text, NULL, NULL, n.nspname::text, d.description, NULL
  FROM candidate AS k
  JOIN pg_catalog.pg_proc AS p ON p.oid = k.oid
  JOIN namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = k.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objsubid = 0
  WHERE k.attnum IS NULL
    AND (@kinds IS NULL OR 'function' = ANY (@kinds))
    -- What a function is about can't be told: a caller of some tables sees none.
    AND @caller_tables IS NULL
), matching AS (
  SELECT o.*, pg_catalog.bool_or(o.is_exact) OVER () AS has_exact
  FROM (
    SELECT o.*, t.text ILIKE ALL (w.exact_words) AS is_exact
    FROM wanted AS w
    CROSS JOIN object AS o
    CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' ', o.place, o.name, o.description, o.labels) COLLATE pg_catalog."default" AS text) AS t
    -- The words that are not in the object's own name or comment are in the names of its table and schema.
    WHERE t.text ILIKE ALL (w.words)
  ) AS o
)
SELECT 3 * CASE WHEN o.name ILIKE @pattern THEN 0
                WHEN o.name ILIKE @pattern || '%' THEN 1
                WHEN o.name ILIKE ALL (w.words) THEN 2
                ELSE 3 END + o.kind AS rank,
       CASE o.kind WHEN 1 THEN 'table' WHEN 2 THEN 'column' ELSE 'function' END AS kind,
       CASE o.kind WHEN 1 THEN pg_catalog.format('%I.%I', o.nspname, o.relname)
                   WHEN 2 THEN pg_catalog.format('%I.%I.%I', o.nspname, o.relname, o.name)
                   ELSE pg_catalog.format('%I.%I(%s)', o.nspname, o.relname, pg_catalog.pg_get_function_identity_arguments(o.oid))
       END AS name,
       CASE WHEN @detail = 'names' THEN NULL
            WHEN o.kind = 1 THEN CASE o.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                                                WHEN 'f' THEN 'foreign table' ELSE 'partitioned table' END
            WHEN o.kind = 2 THEN pg_catalog.format_type(o.atttypid, o.atttypmod)
              || CASE WHEN o.labels ILIKE ANY (w.words) THEN pg_catalog.format(' (%s)', o.labels) ELSE '' END
            WHEN o.relkind = 'p' THEN 'procedure'
            ELSE 'returns ' || pg_catalog.pg_get_function_result(o.oid) END AS type,
       CASE WHEN @detail <> 'names' THEN o.description END AS comment,
       CASE WHEN @detail = 'full' AND o.kind = 1 THEN (
         SELECT pg_catalog.array_agg(pg_catalog.concat(own.attname, ' ', pg_catalog.format_type(own.atttypid, own.atttypmod)) ORDER BY own.attnum)
         FROM pg_catalog.pg_attribute AS own
         WHERE own.attrelid = o.oid AND own.attnum > 0 AND NOT own.attisdropped) END AS columns
FROM wanted AS w
CROSS JOIN matching AS o
WHERE o.is_exact OR NOT o.has_exact
