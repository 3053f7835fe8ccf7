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
  message: There is no column of these names in {table_name} that this login may read.
tests:
  - args: {table_name: orders, columns: [status, placed_at]}
    expect: {rows: 2, contains: [{column_name: status, rows: 2000}]}
  - args: {table_name: order}
    expect: {error: not_found}
---*/
WITH readable AS MATERIALIZED (
  SELECT pg_catalog.row_number() OVER (ORDER BY a.attnum) AS place, a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
         CASE WHEN b.typcategory IN ('D', 'N', 'T') THEN 'ordered' WHEN b.typname IN ('json', 'jsonb') THEN b.typname WHEN b.typcategory = 'S' THEN 'text' ELSE 'other' END AS kind
  FROM target AS t
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
  JOIN pg_catalog.pg_type AS b ON b.oid = coalesce(nullif(y.typbasetype, 0), y.oid)
  WHERE pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT')
    AND (@columns IS NULL OR a.attname = ANY (@columns))
  ORDER BY a.attnum
  LIMIT 50
), size AS (
  SELECT pg_catalog.sum(greatest(c.reltuples, 0)) AS tuples, pg_catalog.sum(c.relpages) AS pages
  FROM target AS t
  CROSS JOIN LATERAL (SELECT p.relid FROM pg_catalog.pg_partition_tree(t.oid) AS p WHERE p.isleaf UNION SELECT t.oid) AS part
  JOIN pg_catalog.pg_class AS c ON c.oid = part.relid AND c.relkind IN ('r', 'm')
), source AS (
  -- Pages from all over the table, twenty at least, where it has many more rows than are wanted.
  SELECT pg_catalog.format('%I.%I', t.schema, t.table_name)
         || CASE WHEN s.tuples > 3 * @sample_rows AND s.pages > 40
                 THEN pg_catalog.format(' TABLESAMPLE SYSTEM (%s)', least(100, greatest(200.0 * @sample_rows / s.tuples::numeric, 2000.0 / s.pages))::numeric(9, 5)) ELSE '' END AS name
  FROM target AS t CROSS JOIN size AS s
), part AS (
  SELECT pg_catalog.string_agg(pg_catalog.quote_ident(r.name), ', ' ORDER BY r.place) AS columns,
         pg_catalog.string_agg(pg_catalog.format('pg_catalog.left(%1$I::text, 200) AS %1$I', r.name), ', ' ORDER BY r.place) AS texts,
         pg_catalog.string_agg(pg_catalog.format(
           'SELECT %1$s AS place, %2$L AS name, %3$L AS type, %4$L AS kind, pg_catalog.count(*) AS rows, pg_catalog.count(%5$I) AS filled, '
             || CASE WHEN r.kind = 'ordered' THEN 'pg_catalog.min(%5$I)::text, pg_catalog.max(%5$I)::text, NULL::int, NULL::int'
                     WHEN r.kind = 'other' THEN 'NULL, NULL, NULL, NULL'
                     ELSE 'NULL, NULL, pg_catalog.min(pg_catalog.length(%5$I::text)), pg_catalog.max(pg_catalog.length(%5$I::text))' END || ' FROM s',
           r.place, r.name, r.type, r.kind, r.name), ' UNION ALL ' ORDER BY r.place) AS sums,
         pg_catalog.string_agg(pg_catalog.format(
           'SELECT %1$L AS name, k.key, pg_catalog.%2$s_typeof(k.value) AS type FROM s, pg_catalog.%2$s_each(CASE pg_catalog.%2$s_typeof(s.%3$I) WHEN ''object'' THEN s.%3$I END) AS k',
           r.name, r.kind, r.name), ' UNION ALL ' ORDER BY r.place) FILTER (WHERE r.kind IN ('json', 'jsonb')) AS keys
  FROM readable AS r
)
SELECT pg_catalog.format($sql$
WITH s AS MATERIALIZED (SELECT %1$s FROM %2$s LIMIT %3$s),
value AS (
  SELECT e.key AS name, e.value, pg_catalog.count(*) AS n
  FROM (SELECT %4$s FROM s) AS x CROSS JOIN LATERAL pg_catalog.jsonb_each_text(pg_catalog.to_jsonb(x)) AS e
  WHERE e.value IS NOT NULL
  GROUP BY 1, 2
), ranked AS (
  SELECT v.*, pg_catalog.row_number() OVER (PARTITION BY v.name ORDER BY v.n DESC, v.value) AS rank,
         CASE WHEN v.value OPERATOR(pg_catalog.~) '^\s*[-+]?[0-9]+([.,][0-9]+)*\s*$' THEN 'a number'
              WHEN v.value OPERATOR(pg_catalog.~) '^\s*[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:.]+.*)?$' THEN 'a date (YYYY-MM-DD)'
              WHEN v.value OPERATOR(pg_catalog.~) '^\s*[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{2,4}\s*$' THEN 'a date (day and month in front)' END AS form
  FROM value AS v
), seen AS (
  SELECT r.name, pg_catalog.count(*) AS distinct_values, pg_catalog.max(r.n) AS most,
         pg_catalog.string_agg(pg_catalog.left(r.value, 60) || ' (' || r.n || ')', ', ' ORDER BY r.rank) FILTER (WHERE r.rank <= 8) AS common
  FROM ranked AS r GROUP BY r.name
), form AS (
  SELECT DISTINCT ON (f.name) f.name, f.form, f.n
  FROM (SELECT r.name, r.form, pg_catalog.sum(r.n) AS n FROM ranked AS r WHERE r.form IS NOT NULL GROUP BY 1, 2) AS f
  ORDER BY f.name, f.n DESC, f.form
), spelling AS (
  SELECT g.name, pg_catalog.string_agg(g.ways, '; ' ORDER BY g.n DESC, g.ways) FILTER (WHERE g.rank <= 5) AS ways
  FROM (
    SELECT r.name, pg_catalog.sum(r.n) AS n, pg_catalog.string_agg('"' || pg_catalog.left(r.value, 60) || '"', ' ' ORDER BY r.n DESC, r.value) AS ways,
           pg_catalog.row_number() OVER (PARTITION BY r.name ORDER BY pg_catalog.sum(r.n) DESC) AS rank
    FROM ranked AS r
    GROUP BY r.name, pg_catalog.lower(pg_catalog.regexp_replace(pg_catalog.btrim(r.value), '\s+', ' ', 'g'))
    HAVING pg_catalog.count(*) > 1
  ) AS g GROUP BY g.name
), key AS (
  SELECT k.name, pg_catalog.string_agg(k.key || ' ' || k.types, ', ' ORDER BY k.n DESC, k.key) FILTER (WHERE k.rank <= 30) AS keys
  FROM (
    SELECT t.name, t.key, pg_catalog.sum(t.n) AS n, pg_catalog.string_agg(t.type || ' (' || t.n || ')', ' or ' ORDER BY t.n DESC) AS types,
           pg_catalog.row_number() OVER (PARTITION BY t.name ORDER BY pg_catalog.sum(t.n) DESC, t.key) AS rank
    FROM (SELECT q.name, q.key, q.type, pg_catalog.count(*) AS n FROM (%5$s) AS q GROUP BY 1, 2, 3) AS t
    GROUP BY t.name, t.key
  ) AS k GROUP BY k.name
)
SELECT c.name AS column_name, c.type, c.rows,
       CASE WHEN c.rows > 0 THEN pg_catalog.round((c.rows - c.filled) * 1.0 / c.rows, 3)::double precision END AS null_share,
       v.distinct_values, c.smallest AS min, c.largest AS max, c.shortest AS min_length, c.longest AS max_length,
       CASE WHEN v.most > 1 AND v.most * 50 >= c.filled AND c.kind NOT IN ('json', 'jsonb') THEN v.common END AS common_values,
       CASE WHEN c.kind = 'text' THEN w.ways END AS spellings,
       CASE WHEN c.kind = 'text' AND f.n * 10 >= c.filled * 9 THEN CASE WHEN f.n = c.filled THEN 'every value is ' ELSE (c.filled - f.n) || ' values are not ' END || f.form END AS looks_like,
       k.keys AS json_keys
FROM (%6$s) AS c (place, name, type, kind, rows, filled, smallest, largest, shortest, longest)
LEFT JOIN seen AS v ON v.name = c.name
LEFT JOIN form AS f ON f.name = c.name
LEFT JOIN spelling AS w ON w.name = c.name
LEFT JOIN key AS k ON k.name = c.name
ORDER BY c.place
$sql$, p.columns, s.name, @sample_rows, p.texts, coalesce(p.keys, 'SELECT NULL::text AS name, NULL::text AS key, NULL::text AS type WHERE false'), p.sums) AS sql
FROM part AS p CROSS JOIN source AS s
WHERE p.columns IS NOT NULL
