/*---
title: List enums
description: >
  Enum types with their labels in order. Use it before you compare a column with, or insert, one of an enum's values.
params:
  - name: schema
    type: string
    names: schema
    description: Omit for all but system schemas.
  - name: name_pattern
    type: string
    description: Case-insensitive LIKE pattern; % and _ are wildcards.
access: read
trust: owner
omit_null: true
page: {key: [schema, enum_name], size: 100, max: 1000}
tests:
  - args: {schema: shop}
    expect: {contains: [{enum_name: order_status, labels: [pending, paid, shipped, delivered, cancelled]}]}
---*/
SELECT n.nspname AS schema,
       t.typname AS enum_name,
       (SELECT pg_catalog.array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid) AS labels,
       CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(n.nspname, '.', t.typname)), '') END AS comment
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = t.oid AND d.classoid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objsubid = 0
WHERE t.typtype = 'e'
  AND CASE WHEN @schema IS NULL THEN n.nspname !~ '^(pg_|information_schema$)' ELSE n.nspname = @schema END
  AND (@name_pattern IS NULL OR t.typname::text COLLATE pg_catalog."default" ILIKE @name_pattern)
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  -- A caller of some tables sees the enums of their columns.
  AND (@caller_tables IS NULL OR EXISTS (
    SELECT FROM pg_catalog.pg_depend AS use
    JOIN pg_catalog.pg_class AS c ON c.oid = use.objid
    JOIN pg_catalog.pg_namespace AS own ON own.oid = c.relnamespace
    WHERE use.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
      AND use.refobjid IN (t.oid, t.typarray)
      AND use.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND pg_catalog.format('%I.%I', own.nspname, c.relname) = ANY (@caller_tables)))
