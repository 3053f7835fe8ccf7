/*---
title: Schemas
description: The schemas that resources/list shows.
trust: owner
omit_null: true
page: {key: [schema], size: 100, max: 100}
---*/
SELECT n.nspname AS schema,
       CASE WHEN @notes IS NULL THEN d.description ELSE nullif(pg_catalog.concat_ws(' | ', d.description, @notes ->> n.nspname::text), '') END AS comment
FROM pg_catalog.pg_namespace AS n
LEFT JOIN pg_catalog.pg_description AS d
  ON d.objoid = n.oid AND d.classoid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objsubid = 0
WHERE n.nspname !~ '^(pg_|information_schema$)'
  AND (@caller_schemas IS NULL OR n.nspname = ANY (@caller_schemas))
