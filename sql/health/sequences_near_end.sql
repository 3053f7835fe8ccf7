/*---
title: Sequences near their end
description: >
  Sequences by the share of their values that is used up; the end is that of the sequence or of the column that it fills, whichever comes first.
  Use it to see overflows before inserts fail. Looks at the 1000 likeliest sequences: name a schema to look closer.
params:
  - name: min_percent
    type: number
    default: 0
    minimum: 0
    maximum: 100
    description: Only sequences of which so much is used.
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: limit
    type: integer
    default: 20
    minimum: 1
    maximum: 200
    description: Most sequences.
access: read
trust: owner
omit_null: true
tests:
  - args: {schema: shop}
    expect: {max_rows: 20}
  - args: {min_percent: 101}
    expect: {error: invalid_arguments}
---*/
WITH likely AS MATERIALIZED (
  -- To read a sequence is to lock it: of many thousand, only those are read whose table has had most rows for their range.
  SELECT n.nspname, c.relname, c.oid, s.seqincrement, s.seqmax, s.seqmin, o.nspname AS table_schema, o.relname AS table_name,
         o.attname AS column_name,
         CASE o.atttypid WHEN 'smallint'::pg_catalog.regtype THEN least(s.seqmax, 32767)
                         WHEN 'integer'::pg_catalog.regtype THEN least(s.seqmax, 2147483647) ELSE s.seqmax END AS ceiling
  FROM pg_catalog.pg_sequence AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
    SELECT tn.nspname, t.oid, t.relname, t.reltuples, a.attname, a.atttypid
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid
    JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.objid = s.seqrelid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.deptype IN ('a', 'i')
    LIMIT 1
  ) AS o ON true
  WHERE NOT s.seqcycle
    AND s.seqincrement > 0
    AND c.relpersistence <> 't'
    -- A standby has no unlogged sequences.
    AND (c.relpersistence = 'p' OR NOT pg_catalog.pg_is_in_recovery())
    AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
    AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas)
                                    AND (o.nspname IS NULL OR o.nspname = ANY (@caller_schemas)))
    AND (@caller_tables IS NULL
         OR CASE WHEN o.oid IS NOT NULL THEN pg_catalog.format('%I.%I', o.nspname, o.relname) = ANY (@caller_tables) END)
  ORDER BY coalesce(greatest(o.reltuples, pg_catalog.pg_stat_get_tuples_inserted(o.oid)), 0)::float8 / s.seqmax DESC, s.seqmax, n.nspname, c.relname
  LIMIT 1000
), state AS (
  SELECT l.*,
         CASE WHEN pg_catalog.has_sequence_privilege(l.oid, 'SELECT,USAGE') THEN pg_catalog.pg_sequence_last_value(l.oid) END AS last_value
  FROM likely AS l
), used AS (
  SELECT s.*, pg_catalog.round(100 * (s.last_value::numeric - s.seqmin) / nullif(s.ceiling::numeric - s.seqmin, 0), 2) AS percent
  FROM state AS s
)
SELECT u.nspname AS schema, u.relname AS sequence_name,
       CASE WHEN u.table_name IS NOT NULL THEN
         pg_catalog.format('%s.%s.%s', u.table_schema, u.table_name, u.column_name) END AS fills,
       u.last_value, u.ceiling AS last_possible_value, u.percent AS used_percent,
       greatest((u.ceiling::numeric - u.last_value) / u.seqincrement, 0)::bigint AS values_left
FROM used AS u
WHERE u.percent >= @min_percent
ORDER BY u.percent DESC, u.nspname, u.relname
LIMIT @limit
