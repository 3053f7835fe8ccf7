/*---
title: Names of schemas
description: The schemas whose name starts with a text, for completion.
params:
  - {name: prefix, type: string, default: ""}
trust: owner
limits: {rows: 100}
---*/
SELECT n.nspname
FROM pg_catalog.pg_namespace AS n
WHERE pg_catalog.starts_with(pg_catalog.lower(n.nspname::text), pg_catalog.lower(@prefix))
  AND n.nspname !~ '^pg_(toast|temp)'
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
ORDER BY n.nspname ~ '^(pg_|information_schema$)', n.nspname
LIMIT 101
