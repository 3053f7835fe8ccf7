/*---
title: List schemas
description: >
  Schemas with their comments and the number of tables and views in each.
params:
  - name: include_system
    type: boolean
    default: false
    description: Also pg_catalog, information_schema and pg_toast.
  - name: name_pattern
    type: string
    description: ILIKE pattern.
access: read
trust: owner
omit_null: true
page: {key: [schema_name], size: 200, max: 1000}
tests:
  - expect: {contains: [{schema_name: shop, on_search_path: true}]}
  - args: {include_system: true, name_pattern: 'pg\_catalog'}
    expect: {rows: 1, contains: [{schema_name: pg_catalog}]}
  - args: {page_size: 0}
    expect: {error: invalid_arguments}
---*/
SELECT n.nspname AS schema_name,
       coalesce(r.tables, 0) AS table_count,
       CASE WHEN n.nspname = ANY (pg_catalog.current_schemas(true)) THEN true END AS on_search_path,
       CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> n.nspname::text), '') END AS comment
FROM pg_catalog.pg_namespace AS n
LEFT JOIN (
  -- What list_tables lists: one scan of pg_class is cheaper than a look-up for each schema.
  SELECT c.relnamespace, pg_catalog.count(*) AS tables
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND NOT c.relispartition
    AND (@caller_tables IS NULL OR EXISTS (
      SELECT FROM pg_catalog.pg_namespace AS own
      WHERE own.oid = c.relnamespace
        AND pg_catalog.format('%I.%I', own.nspname, c.relname) = ANY (@caller_tables)))
  GROUP BY c.relnamespace
) AS r ON r.relnamespace = n.oid
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objsubid = 0
WHERE n.nspname !~ '^pg_(toast_)?temp_'
  AND (@include_system OR n.nspname !~ '^(pg_|information_schema$)')
  AND (@name_pattern IS NULL OR n.nspname::text COLLATE pg_catalog."default" ILIKE @name_pattern)
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
