/*---
title: List functions
description: >
  Functions, procedures, aggregates and window functions of one schema with arguments, result and comment.
  Use it to see what logic lives in the database; get_definition shows the code of one.
params:
  - name: schema
    type: string
    names: schema
    description: Omit for the current schema.
  - name: name_pattern
    type: string
    description: Case-insensitive LIKE pattern; % and _ are wildcards.
  - name: kinds
    type: string[]
    enum: [function, procedure, aggregate, window]
    description: Omit for all.
  - name: include_extensions
    type: boolean
    default: false
    description: Also those that belong to an extension.
access: read
trust: owner
omit_null: true
page: {key: [function_name, arguments], size: 100, max: 1000}
tests:
  - args: {schema: shop}
    expect: {max_rows: 100}
  - args: {schema: shp}
    expect: {error: not_found}
---*/
SELECT n.nspname AS schema,
       p.proname AS function_name,
       pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
       pg_catalog.pg_get_function_result(p.oid) AS returns,
       k.kind,
       l.lanname AS language,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       CASE WHEN p.prosecdef THEN true END AS security_definer,
       CASE WHEN p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype THEN true END AS for_triggers,
       CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> pg_catalog.concat(n.nspname, '.', p.proname, '()')), '') END AS comment
FROM pg_catalog.pg_namespace AS n
JOIN pg_catalog.pg_proc AS p ON p.pronamespace = n.oid
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
CROSS JOIN LATERAL (
  SELECT CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'window' END AS kind
) AS k
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = p.oid AND d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objsubid = 0
WHERE n.nspname = coalesce(@schema, pg_catalog.current_schema())
  AND (@name_pattern IS NULL OR p.proname::text COLLATE pg_catalog."default" ILIKE @name_pattern)
  AND (@kinds IS NULL OR k.kind = ANY (@kinds))
  AND (@include_extensions OR NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS e
    WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND e.objid = p.oid AND e.deptype = 'e'))
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  -- What a function is about can't be told: a caller of some tables sees none.
  AND @caller_tables IS NULL
