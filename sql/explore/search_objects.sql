/*---
title: Search the database's objects
description: >
  Finds tables, columns and functions by words in names, comments and enum labels, in any order, best first (rank 1). name is ready for SQL.
params:
  - name: pattern
    type: string
    required: true
    min_length: 1
    max_length: 200
    description: Words; % and _ are wildcards.
  - name: kinds
    type: string[]
    enum: [table, column, function, value]
    description: 'Omit for all but value: common values.'
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
use: [column_statistic, irregular_noun]
trust: owner
omit_null: true
page: {key: [rank, name], size: 25, max: 200}
not_found:
  message: >-
    Nothing has all words of "{pattern}" in its name or comment. Search wider: with one word, or the start of it; without kinds and schema; with
    other words for the same thing, in the language of the comments; in the values of columns with kinds ["value"].
  # Names near to one of the first words, by a lower bound of the edit distance.
  suggest: >-
    WITH word AS (
      SELECT pg_catalog.lower(w.word) AS word
      FROM pg_catalog.regexp_split_to_table(@pattern, '[\s.,;"%]+') WITH ORDINALITY AS w (word, place)
      WHERE pg_catalog.length(w.word) >= 3 ORDER BY w.place LIMIT 4
    ), relation AS MATERIALIZED (
      SELECT c.oid, c.relname
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND NOT c.relispartition
        AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
        AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
        AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
    ), known AS MATERIALIZED (
      SELECT r.relname::text AS name FROM relation AS r
      UNION
      SELECT a.attname FROM relation AS r JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    )
    SELECT k.name
    FROM known AS k
    CROSS JOIN word AS w
    CROSS JOIN LATERAL (
      SELECT greatest(pg_catalog.length(pg_catalog.translate(pg_catalog.lower(k.name), w.word, '')), pg_catalog.length(pg_catalog.translate(w.word, pg_catalog.lower(k.name), ''))) AS distance
    ) AS d
    WHERE pg_catalog.abs(pg_catalog.length(k.name) - pg_catalog.length(w.word)) <= (pg_catalog.length(w.word) + 1) / 3
      AND d.distance <= (pg_catalog.length(w.word) + 1) / 3
    GROUP BY k.name
    ORDER BY pg_catalog.min(d.distance), k.name
    LIMIT 200
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
    expect: {contains: [{name: shop.orders.status, type: 'order_status (pending, paid, shipped, delivered, cancelled; The life of an order, in this order; cancelled can follow pending and paid)'}]}
  - name: a plural that nothing is named by
    args: {pattern: statuses}
    expect: {contains: [{name: shop.orders.status}]}
  - args: {pattern: ''}
    expect: {error: invalid_arguments}
  - name: values that columns have
    args: {pattern: 'card', kinds: [value]}
    expect: {contains: [{name: billing.payments.method, kind: value}]}
  - args: {pattern: zebra}
    expect: {error: not_found}
---*/
WITH wanted AS MATERIALIZED (
  -- Where nothing has the words, a plural finds the singular, and the other way round. words are all forms of all words, of which candidates have
  -- one; word_forms has a regular expression for each word.
  SELECT pg_catalog.array_agg('%' || w.word || '%') AS exact_words,
         pg_catalog.array_agg('%' || f.form || '%') || coalesce(pg_catalog.array_agg('%' || f.other || '%') FILTER (WHERE f.other IS NOT NULL), '{}') AS words,
         pg_catalog.array_agg(x.expression || coalesce('|' || f.other, '')) AS word_forms,
         -- Folding beyond ASCII is slow, and needed only for a pattern that holds such letters.
         pg_catalog.octet_length(@pattern) = pg_catalog.length(@pattern) AS ascii
  FROM pg_catalog.regexp_split_to_table(@pattern, '[\s.,;"]+') AS w (word)
  CROSS JOIN LATERAL (
    SELECT CASE WHEN w.word ~ '^[[:alpha:]]{4,}$' THEN pg_catalog.regexp_replace(w.word, '(ies|(?<=s|x|ch|sh)es|y|s)$', '', 'i') ELSE w.word END AS form,
           (SELECT CASE WHEN pg_catalog.lower(w.word) = i.singular THEN i.plural ELSE i.singular END
            FROM irregular_noun AS i WHERE pg_catalog.lower(w.word) IN (i.singular, i.plural)) AS other
  ) AS f
  CROSS JOIN LATERAL (
    SELECT pg_catalog.translate(pg_catalog.regexp_replace(pg_catalog.translate(f.form, '\', ''), '([^[:alnum:]%_])', '\\\1', 'g'), '_', '.') AS text
  ) AS e
  CROSS JOIN LATERAL (SELECT pg_catalog.replace(e.text, '%', '.*') AS expression) AS x
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
  FROM (
    SELECT e.enumtypid FROM pg_catalog.pg_enum AS e WHERE e.enumlabel ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
    UNION
    SELECT d.objoid
    FROM pg_catalog.pg_description AS d
    WHERE d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.description ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
    UNION
    SELECT t.oid
    FROM pg_catalog.jsonb_each_text(@notes) AS m (name, text)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = pg_catalog.split_part(m.name, '.', 1)
    JOIN pg_catalog.pg_type AS t ON t.typname = pg_catalog.split_part(m.name, '.', 2) AND t.typnamespace = n.oid
    WHERE m.text ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
  ) AS e (type)
  JOIN pg_catalog.pg_attribute AS a ON a.atttypid = e.type
  WHERE (@kinds IS NULL OR 'column' = ANY (@kinds))
    AND a.attnum > 0
    AND NOT a.attisdropped
  UNION
  SELECT d.objoid, CASE WHEN d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass THEN d.objsubid END
  FROM pg_catalog.pg_description AS d
  WHERE d.classoid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
    AND d.description ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
  UNION
  SELECT coalesce(c.oid, p.oid), CASE WHEN c.oid IS NOT NULL THEN coalesce(a.attnum, 0) END
  FROM pg_catalog.jsonb_each_text(@notes) AS m (name, text)
  CROSS JOIN LATERAL (SELECT pg_catalog.string_to_array(m.name, '.')::name[] AS parts) AS s
  JOIN namespace AS n ON n.nspname = s.parts[1]
  LEFT JOIN pg_catalog.pg_class AS c ON c.relname = s.parts[2] AND c.relnamespace = n.oid
  LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.parts[3]
  LEFT JOIN pg_catalog.pg_proc AS p ON p.proname = pg_catalog.rtrim(s.parts[2]::text, '()') AND p.pronamespace = n.oid AND s.parts[2]::text ^@ p.proname::text
  WHERE m.text ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
    AND (c.oid IS NOT NULL AND (s.parts[3] IS NULL OR a.attnum IS NOT NULL) OR p.oid IS NOT NULL AND s.parts[2]::text ~ '\(\)$')
), object AS (
  SELECT CASE WHEN a.attnum IS NULL THEN 1 ELSE 2 END AS kind, c.oid, n.nspname, c.relname, c.relkind,
         coalesce(a.attname, c.relname)::text COLLATE pg_catalog."default" AS name, a.atttypid, a.atttypmod,
         pg_catalog.concat(n.nspname, ' ', c.relname) AS place,
         CASE WHEN @notes IS NULL THEN d.description
              ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(n.nspname, '.', c.relname, '.' || a.attname)), '') END AS description,
         -- The labels of an enum, and what is said of it where the caller sees its schema.
         (SELECT pg_catalog.concat_ws('; ', pg_catalog.string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder), (
            SELECT CASE WHEN @notes IS NULL THEN y.description
                        ELSE nullif(pg_catalog.concat_ws(' | ', y.description, @notes ->> pg_catalog.concat(tn.nspname, '.', t.typname)), '') END
            FROM pg_catalog.pg_type AS t
            JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
            LEFT JOIN pg_catalog.pg_description AS y
              ON y.objoid = t.oid AND y.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass AND y.objsubid = 0
            WHERE t.oid = a.atttypid AND (@caller_schemas IS NULL OR tn.nspname = ANY (@caller_schemas))))
          FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = a.atttypid HAVING pg_catalog.count(*) > 0) AS labels
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
  SELECT 3, p.oid, n.nspname, p.proname, p.prokind, p.proname::text, NULL, NULL, n.nspname::text,
         CASE WHEN @notes IS NULL THEN d.description
              ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(n.nspname, '.', p.proname, '()')), '') END, NULL
  FROM candidate AS k
  JOIN pg_catalog.pg_proc AS p ON p.oid = k.oid
  JOIN namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_catalog.pg_description AS d
    ON d.objoid = k.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objsubid = 0
  WHERE k.attnum IS NULL
    AND (@kinds IS NULL OR 'function' = ANY (@kinds))
    -- What a function is about can't be told: a caller of some tables sees none.
    AND @caller_tables IS NULL
  UNION ALL
  -- The columns of which ANALYZE saw common values with one of the words.
  SELECT 4, c.oid, n.nspname, c.relname, c.relkind, a.attname, a.atttypid, a.atttypmod, pg_catalog.concat(n.nspname, ' ', c.relname), NULL, v.labels
  FROM column_statistic AS s
  JOIN namespace AS n ON n.nspname = s.schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = s.table_name
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = s.column_name
  CROSS JOIN LATERAL (
    SELECT pg_catalog.string_agg(u.value, ', ' ORDER BY u.place) AS labels
    FROM (
      SELECT CASE WHEN pg_catalog.length(u.value) > 80 THEN pg_catalog.left(u.value, 80) || '...' ELSE u.value END AS value, u.place
      FROM pg_catalog.unnest(s.common) WITH ORDINALITY AS u (value, place)
      WHERE u.value ILIKE ANY ((SELECT w.words FROM wanted AS w)::text[])
      ORDER BY u.place
      LIMIT 10
    ) AS u
  ) AS v
  WHERE 'value' = ANY (@kinds)
    AND v.labels IS NOT NULL
    AND NOT c.relispartition
    AND c.oid NOT IN (SELECT h.inhrelid FROM chunk AS h)
    AND s.inherited = (c.relkind = 'p' OR c.relhassubclass)
), matching AS (
  SELECT o.*, pg_catalog.bool_or(o.is_exact) OVER () AS has_exact
  FROM (
    SELECT o.*, t.text ILIKE ALL (w.exact_words) AS is_exact
    FROM wanted AS w
    CROSS JOIN object AS o
    CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' ', o.place, o.name, o.description, o.labels) COLLATE pg_catalog."default" AS text) AS t
    -- The words that are not in the object's own name or comment are in the names of its table and schema.
    WHERE t.text ~* ALL (w.word_forms)
  ) AS o
)
SELECT 3 * CASE WHEN o.kind = 4 THEN 3
                WHEN o.name ILIKE @pattern THEN 0
                WHEN o.name ILIKE @pattern || '%' THEN 1
                WHEN o.name ~* ALL (w.word_forms) THEN 2
                ELSE 3 END + o.kind AS rank,
       CASE o.kind WHEN 1 THEN 'table' WHEN 2 THEN 'column' WHEN 3 THEN 'function' ELSE 'value' END AS kind,
       CASE o.kind WHEN 1 THEN pg_catalog.format('%I.%I', o.nspname, o.relname)
                   WHEN 3 THEN pg_catalog.format('%I.%I(%s)', o.nspname, o.relname, pg_catalog.pg_get_function_identity_arguments(o.oid))
                   ELSE pg_catalog.format('%I.%I.%I', o.nspname, o.relname, o.name)
       END AS name,
       CASE WHEN @detail = 'names' THEN NULL
            WHEN o.kind = 1 THEN CASE o.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                                                WHEN 'f' THEN 'foreign table' ELSE 'partitioned table' END
            WHEN o.kind IN (2, 4) THEN pg_catalog.format_type(o.atttypid, o.atttypmod)
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
