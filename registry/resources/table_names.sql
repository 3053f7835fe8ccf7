/*---
title: Names of tables
description: The tables and views whose name starts with a text, for completion.
params:
  - {name: prefix, type: string, default: ""}
  - {name: schema, type: string, description: Omit for the search path.}
trust: owner
limits: {rows: 100}
---*/
SELECT c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE pg_catalog.starts_with(pg_catalog.lower(c.relname::text), pg_catalog.lower(@prefix))
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND CASE WHEN @schema IS NULL THEN n.nspname = ANY (pg_catalog.current_schemas(false)) ELSE n.nspname = @schema END
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
  AND (@caller_tables IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY (@caller_tables))
ORDER BY c.relname, n.nspname
LIMIT 101
