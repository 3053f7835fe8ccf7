/*---
title: Profile a table
description: >
  What is in the columns of a table, from a sample of its rows: share of nulls, distinct and common values, smallest and largest, lengths, spellings that differ only
  in case or blanks, texts that are numbers or dates, keys of JSON. Use it where describe_table shows no values, or not enough.
params:
  - name: table_name
    type: string
    names: table
    required: true
    description: Table or view.
  - name: schema
    type: string
    names: schema
    description: Omit for the search path.
  - name: columns
    type: string[]
    max_items: 50
    description: Omit for the first 50.
  - name: sample_rows
    type: integer
    default: 5000
    minimum: 1
    maximum: 100000
    description: Rows that are read.
use: [target]
access: read
trust: owner
result: query
omit_null: true
not_found:
  message: There is no column of these names in {table_name} that this login may read. describe_table lists them.
tests:
  - args: {table_name: orders, columns: [status, placed_at]}
    expect: {rows: 2, contains: [{column_name: status, rows: 2000}]}
  - args: {table_name: order}
    expect: {error: not_found}
---*/
WITH RECURSIVE type_chain AS (
  SELECT a.attnum, y.oid, y.typtype, y.typbasetype, y.typcategory, y.typelem, y.typname
  FROM target AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
  UNION ALL
  SELECT c.attnum, y.oid, y.typtype, y.typbasetype, y.typcategory, y.typelem, y.typname
  FROM type_chain AS c
  JOIN pg_catalog.pg_type AS y ON y.oid = c.typbasetype
  WHERE c.typtype = 'd'
), candidate AS (
  SELECT a.attname, a.attnum, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
         pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS is_readable,
         @columns IS NULL OR a.attname = ANY (@columns) AS is_wanted,
         -- What is not PostgreSQL's own is only counted: its text may be made by anybody's function.
         CASE WHEN c.typtype = 'e' THEN 'value'
              -- citext and its like: the bytes are those of a text.
              WHEN c.oid >= 16384 AND EXISTS (SELECT FROM pg_catalog.pg_cast AS k WHERE k.castsource = c.oid AND k.casttarget = 25 AND k.castmethod = 'b') THEN 'text'
              WHEN c.oid >= 16384 AND (c.typcategory <> 'A' OR c.typelem >= 16384) OR c.typname ~ '^_?reg|^_?xml$' OR c.typtype = 'c' THEN 'other'
              WHEN c.oid = 17 THEN 'bytes'
              WHEN c.oid IN (114, 3802) THEN 'json'
              WHEN c.typcategory IN ('N', 'D', 'T') THEN 'range'
              WHEN c.typcategory = 'S' THEN 'text'
              ELSE 'value' END AS kind
  FROM target AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN type_chain AS c ON c.attnum = a.attnum AND c.typtype <> 'd'
), col AS MATERIALIZED (
  SELECT k.*, pg_catalog.row_number() OVER (ORDER BY k.attnum) AS n FROM candidate AS k WHERE k.is_readable AND k.is_wanted
), size AS (
  WITH RECURSIVE part AS (
    SELECT t.oid FROM target AS t
    UNION
    SELECT i.inhrelid FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid
  )
  -- A view has no pages to choose from, nor has a foreign table.
  SELECT pg_catalog.sum(greatest(c.reltuples, 0))::numeric AS row_estimate,
         CASE WHEN pg_catalog.bool_and(c.relkind IN ('r', 'p', 'm')) THEN pg_catalog.sum(c.relpages) END AS pages
  FROM part JOIN pg_catalog.pg_class AS c ON c.oid = part.oid
), source AS (
  SELECT t.oid, t.relrowsecurity, pg_catalog.format('%I.%I', t.schema, t.table_name) AS name, z.row_estimate,
         -- Pages from all over the table, twenty at least, and of those any rows: the first ones would be the oldest.
         CASE WHEN z.row_estimate > @sample_rows AND z.pages > 40
              THEN pg_catalog.format(' TABLESAMPLE system (%s) ORDER BY pg_catalog.random()', least(100, greatest(200.0 * @sample_rows / z.row_estimate, 2000.0 / z.pages))::numeric(9, 5)) ELSE '' END AS sample
  FROM target AS t CROSS JOIN size AS z
)
SELECT 'WITH RECURSIVE s AS MATERIALIZED (SELECT ' || p.columns || ' FROM ' || s.name || s.sample || ' LIMIT ' || @sample_rows
  || '), col (n, name, type, kind) AS (VALUES ' || p.list
  || '), v AS (SELECT v.* FROM s CROSS JOIN LATERAL (VALUES ' || p.cells || ') AS v (n, value, length)'
  || '), r (n, low, high) AS (' || coalesce('SELECT v.* FROM (SELECT ' || p.ranges || ' FROM s) AS m CROSS JOIN LATERAL (VALUES ' || p.range_cells || ') AS v', 'SELECT 0, '''', ''''')
  || '), doc (n, value) AS (' || coalesce(p.documents, 'SELECT 0, ''{}''::pg_catalog.json') || '), '
  -- What follows is the same for all tables.
  || $$total AS (
  SELECT pg_catalog.count(*) AS rows FROM s
), g AS MATERIALIZED (
  SELECT v.n, v.value, v.length, pg_catalog.count(*) AS times, NOT v.value ~ '\S' AS is_blank,
         CASE WHEN col.kind <> 'text' OR NOT v.value ~ '\S' THEN NULL
              WHEN v.value ~ '^(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$' THEN 'a date (YYYYMMDD)'
              WHEN v.value ~ '^0\d+$' THEN 'digits that begin with 0'
              WHEN v.value ~ '^\s*[+-]?\d+\s*$' THEN 'a number'
              WHEN v.value ~ '^\s*[+-]?(\d*\.\d+|\d+(\.\d+)?[eE][+-]?\d+)\s*$' THEN 'a number'
              WHEN v.value ~ '^\s*[+-]?\d{1,3}(,\d{3})+(\.\d+)?\s*$' THEN 'a number (1,234.5)'
              WHEN v.value ~ '^\s*[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*$' THEN 'a number (1.234,5)'
              WHEN v.value ~ '^\s*\d{4}-\d\d?-\d\d?\s*$' THEN 'a date (YYYY-MM-DD)'
              WHEN v.value ~ '^\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d' THEN 'a timestamp (YYYY-MM-DD HH:MM)'
              WHEN v.value ~ '^\s*\d{4}/\d\d?/\d\d?\s*$' THEN 'a date (YYYY/MM/DD)'
              WHEN v.value ~ '^\s*\d\d?/\d\d?/(\d\d){1,2}\s*$' THEN 'a date (31/12/2025 or 12/31/2025)'
              WHEN v.value ~ '^\s*\d\d?\.\d\d?\.(\d\d){1,2}\s*$' THEN 'a date (31.12.2025)'
              WHEN v.value ~ '^\s*\d\d?[- ][[:alpha:]]{3,9}[- ](\d\d){1,2}\s*$' THEN 'a date (31-Dec-2025)'
              WHEN v.value ~ '^\s*\d\d?:\d\d(:\d\d)?\s*$' THEN 'a time (HH:MM)'
              WHEN v.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN 'a UUID'
              WHEN v.value ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' THEN 'an e-mail address'
              WHEN v.value ~* '^https?://' THEN 'a URL'
              WHEN v.value ~ '^\s*([{]\s*"|\[\s*[]{"0-9])' THEN 'JSON'
              WHEN pg_catalog.lower(v.value) IN ('true', 'false', 'yes', 'no', 'y', 'n', 't', 'f') THEN 'yes or no' END AS format
  FROM v JOIN col ON col.n = v.n
  GROUP BY v.n, v.value, v.length, col.kind
), one AS (
  SELECT g.n, pg_catalog.sum(g.times) FILTER (WHERE g.value IS NULL) AS nulls, pg_catalog.count(g.value) AS values,
         coalesce(pg_catalog.sum(g.times) FILTER (WHERE g.value IS NOT NULL), 0) AS filled,
         pg_catalog.min(g.length) AS shortest, pg_catalog.max(g.length) AS longest,
         pg_catalog.sum(g.times) FILTER (WHERE g.is_blank) AS blank,
         pg_catalog.sum(g.times) FILTER (WHERE NOT g.is_blank AND (g.value ~ '^\s' OR g.value ~ '\s$' AND g.length <= 200)) AS padded
  FROM g GROUP BY g.n
), shown AS (
  -- A value as a line of text holds it.
  SELECT g.*, pg_catalog.left(pg_catalog.regexp_replace(g.value, '[\n\r\t]+', ' ', 'g'), 60) || CASE WHEN g.length > 60 THEN '...' ELSE '' END AS line,
         pg_catalog.row_number() OVER (PARTITION BY g.n ORDER BY g.times DESC, g.value) AS place
  FROM g WHERE g.value IS NOT NULL
), common AS (
  SELECT w.n, pg_catalog.string_agg(w.line || ' (' || w.times || ')', ', ' ORDER BY w.place) AS text
  FROM shown AS w JOIN one ON one.n = w.n
  WHERE w.place <= CASE WHEN one.values <= 20 THEN 20 ELSE 8 END AND w.times * 200 >= one.filled AND one.values < one.filled AND (one.values <= 20 OR w.times > 1)
  GROUP BY w.n
), alike AS (
  SELECT a.n, a.text, pg_catalog.row_number() OVER (PARTITION BY a.n ORDER BY a.times DESC, a.text) AS place, pg_catalog.count(*) OVER (PARTITION BY a.n) AS groups
  FROM (
    SELECT w.n, pg_catalog.sum(w.times) AS times, pg_catalog.string_agg('"' || w.line || '"', ' ' ORDER BY w.place) AS text
    FROM shown AS w JOIN col ON col.n = w.n
    WHERE col.kind = 'text' AND NOT w.is_blank AND w.length <= 200
    GROUP BY w.n, pg_catalog.lower(pg_catalog.btrim(pg_catalog.regexp_replace(w.value, '\s+', ' ', 'g')))
    HAVING pg_catalog.count(*) > 1
  ) AS a
), spelling AS (
  SELECT a.n, pg_catalog.string_agg(a.text, '; ' ORDER BY a.place) || CASE WHEN pg_catalog.max(a.groups) > 5 THEN '; ' || pg_catalog.max(a.groups) - 5 || ' more' ELSE '' END AS text
  FROM alike AS a WHERE a.place <= 5 GROUP BY a.n
), form AS (
  -- A column of one form says so; one of several, how many values have each.
  SELECT f.n, pg_catalog.sum(f.times) AS times,
         CASE WHEN pg_catalog.count(*) > 1 THEN pg_catalog.string_agg(f.format || ' (' || f.times || ')', ', ' ORDER BY f.times DESC, f.format)
              WHEN pg_catalog.sum(f.times) = pg_catalog.max(one.filled) THEN 'every value is ' || pg_catalog.min(f.format)
              ELSE pg_catalog.max(one.filled) - pg_catalog.sum(f.times) || ' values are not ' || pg_catalog.min(f.format) END AS text
  FROM (SELECT g.n, g.format, pg_catalog.sum(g.times) AS times FROM g WHERE g.format IS NOT NULL GROUP BY g.n, g.format) AS f
  JOIN one ON one.n = f.n
  GROUP BY f.n
  HAVING pg_catalog.sum(f.times) * 2 >= pg_catalog.max(one.filled)
), unlike AS (
  -- The texts of such a column that have no form.
  SELECT w.n, pg_catalog.string_agg('"' || w.line || '" (' || w.times || ')', ', ' ORDER BY w.place) AS text
  FROM (SELECT w.n, w.line, w.times, pg_catalog.row_number() OVER (PARTITION BY w.n ORDER BY w.place) AS place FROM shown AS w WHERE w.format IS NULL) AS w
  WHERE w.place <= 5
  GROUP BY w.n
), node AS (
  SELECT doc.n, '' AS path, doc.value, 0 AS depth FROM doc
  UNION ALL
  SELECT node.n, node.path || e.step, e.value, node.depth + 1
  FROM node
  CROSS JOIN LATERAL (
    SELECT '.' || pg_catalog.left(k.key, 60) AS step, k.value FROM pg_catalog.json_each(CASE pg_catalog.json_typeof(node.value) WHEN 'object' THEN node.value ELSE '{}' END) AS k
    UNION ALL
    (SELECT '[]', i.value FROM pg_catalog.json_array_elements(CASE pg_catalog.json_typeof(node.value) WHEN 'array' THEN node.value ELSE '[]' END) AS i LIMIT 10)
  ) AS e
  WHERE node.depth < 4
), key AS (
  SELECT k.*, pg_catalog.row_number() OVER (PARTITION BY k.n ORDER BY k.depth, k.times DESC, k.path) AS place, pg_catalog.count(*) OVER (PARTITION BY k.n) AS paths
  FROM (
    SELECT t.n, t.path, t.depth, pg_catalog.sum(t.times) AS times, pg_catalog.string_agg(t.type || ' (' || t.times || ')', ' or ' ORDER BY t.times DESC, t.type) AS types
    FROM (SELECT node.n, node.path, node.depth, pg_catalog.json_typeof(node.value) AS type, pg_catalog.count(*) AS times FROM node WHERE node.n > 0 AND node.depth > 0 GROUP BY 1, 2, 3, 4) AS t
    GROUP BY t.n, t.path, t.depth
  ) AS k
), json AS (
  SELECT k.n, pg_catalog.string_agg(pg_catalog.ltrim(k.path, '.') || ' ' || k.types, ', ' ORDER BY k.place) || CASE WHEN pg_catalog.max(k.paths) > 40 THEN ', ' || pg_catalog.max(k.paths) - 40 || ' more' ELSE '' END AS text
  FROM key AS k WHERE k.place <= 40 GROUP BY k.n
)
SELECT col.name AS column_name, col.type, total.rows,
       CASE WHEN total.rows > 0 THEN pg_catalog.round(coalesce(one.nulls, 0) / total.rows, 3)::double precision END AS null_share,
       CASE WHEN col.kind NOT IN ('json', 'other', 'bytes') AND one.filled > 0 THEN one.values END AS distinct_values,
       r.low AS min, r.high AS max,
       CASE WHEN col.kind IN ('text', 'json', 'bytes') THEN one.shortest END AS min_length, CASE WHEN col.kind IN ('text', 'json', 'bytes') THEN one.longest END AS max_length,
       CASE WHEN col.kind = 'text' AND one.blank > 0 THEN one.blank END AS blank, CASE WHEN col.kind = 'text' AND one.padded > 0 THEN one.padded END AS blanks_around,
       CASE WHEN col.kind NOT IN ('json', 'other', 'bytes') THEN common.text END AS common_values,
       spelling.text AS spellings, form.text AS looks_like, CASE WHEN form.times < one.filled THEN unlike.text END AS others,
       json.text AS json_keys, CASE WHEN col.kind = 'other' THEN 'Values of this type are not read.' END AS note
FROM col
CROSS JOIN total
LEFT JOIN one ON one.n = col.n
LEFT JOIN r ON r.n = col.n
LEFT JOIN common ON common.n = col.n
LEFT JOIN spelling ON spelling.n = col.n
LEFT JOIN form ON form.n = col.n
LEFT JOIN unlike ON unlike.n = col.n
LEFT JOIN json ON json.n = col.n
$$ || coalesce('UNION ALL SELECT ' || pg_catalog.repeat('NULL, ', 16) || pg_catalog.quote_literal(p.note), 'ORDER BY col.n') AS sql
FROM source AS s
CROSS JOIN LATERAL (
  SELECT pg_catalog.string_agg(pg_catalog.format('%I AS c%s', c.attname, c.n), ', ' ORDER BY c.n) AS columns,
         pg_catalog.string_agg(pg_catalog.format('(%s, %L, %L, %L)', c.n, c.attname, c.type, c.kind), ', ' ORDER BY c.n) AS list,
         pg_catalog.string_agg(CASE
           WHEN c.kind = 'other' THEN pg_catalog.format('(%1$s, CASE WHEN pg_catalog.num_nulls(c%1$s) = 0 THEN '''' END, NULL::int)', c.n)
           WHEN c.kind = 'bytes' THEN pg_catalog.format('(%1$s, CASE WHEN c%1$s IS NOT NULL THEN '''' END, pg_catalog.octet_length(c%1$s))', c.n)
           WHEN c.kind = 'json' THEN pg_catalog.format('(%1$s, CASE WHEN c%1$s IS NOT NULL THEN '''' END, pg_catalog.length(c%1$s::pg_catalog.text))', c.n)
           -- Of a long text the beginning, and what tells it from others.
           ELSE pg_catalog.format('(%1$s, (pg_catalog.left(c%1$s::pg_catalog.text, 200) || CASE WHEN pg_catalog.length(c%1$s::pg_catalog.text) > 200 THEN pg_catalog.md5(c%1$s::pg_catalog.text) ELSE '''' END) COLLATE pg_catalog."default", pg_catalog.length(c%1$s::pg_catalog.text))', c.n) END, ', ' ORDER BY c.n) AS cells,
         pg_catalog.string_agg(pg_catalog.format('pg_catalog.min(c%1$s)::pg_catalog.text AS l%1$s, pg_catalog.max(c%1$s)::pg_catalog.text AS h%1$s', c.n), ', ' ORDER BY c.n) FILTER (WHERE c.kind = 'range') AS ranges,
         pg_catalog.string_agg(pg_catalog.format('(%1$s, l%1$s, h%1$s)', c.n), ', ' ORDER BY c.n) FILTER (WHERE c.kind = 'range') AS range_cells,
         pg_catalog.string_agg(pg_catalog.format('(SELECT %1$s, c%1$s::pg_catalog.json FROM s WHERE pg_catalog.length(c%1$s::pg_catalog.text) <= 20000 AND c%1$s::pg_catalog.text !~ ''\\u0000'' LIMIT 5000)', c.n), ' UNION ALL ' ORDER BY c.n)
           FILTER (WHERE c.kind = 'json') AS documents,
         nullif(pg_catalog.concat_ws(' ',
           CASE WHEN s.row_estimate > @sample_rows THEN CASE WHEN s.sample = '' THEN 'The first of about ' ELSE 'A sample of about ' END || s.row_estimate || ' rows.' END,
           CASE WHEN s.relrowsecurity THEN 'Rows that row security hides are not counted.' END,
           (SELECT 'Columns that may not be read and are left out: ' || pg_catalog.count(*) || '.' FROM candidate AS k WHERE k.is_wanted AND NOT k.is_readable HAVING pg_catalog.count(*) > 0),
           (SELECT 'No such columns: ' || pg_catalog.string_agg(w.name, ', ') || '.' FROM pg_catalog.unnest(@columns) AS w (name) WHERE w.name NOT IN (SELECT k.attname FROM candidate AS k)),
           (SELECT 'Columns left out, from ' || pg_catalog.min(k.attname::text) FILTER (WHERE k.n = 51) || ' on: ' || pg_catalog.count(*) || '. Name them in columns.' FROM col AS k WHERE k.n > 50 HAVING pg_catalog.count(*) > 0)), '') AS note
  FROM col AS c
  WHERE c.n <= 50
) AS p
WHERE p.columns IS NOT NULL
