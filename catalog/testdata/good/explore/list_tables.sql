/*---
title: List tables
description: >
  Tables, views.
params:
  - name: schema
    type: string
    description: Schema to list. Omit for the current schema.
  - name: name_pattern
    type: string
    default: "%"
  - name: table_types
    type: string[]
    enum: [table, view, materialized view, foreign table, partitioned table]
page: {key: [table_name], size: 200, max: 1000}
not_found:
  when: SELECT @schema IS NOT NULL AND to_regnamespace(@schema) IS NULL
  message: No schema {schema}.
  suggest: SELECT nspname FROM pg_namespace WHERE @caller_schemas IS NULL OR nspname = ANY (@caller_schemas)
---*/
SELECT c.relname AS table_name
FROM pg_catalog.pg_class c
WHERE n.nspname = coalesce(@schema, current_schema())
  AND (@name_pattern IS NULL OR c.relname ILIKE @name_pattern)
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  AND @table_types[1]='x';
