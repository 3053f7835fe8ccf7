/*---
description: Shows the catalogue to everybody.
trust: owner
page: {key: [relname, oid]}
---*/
SELECT oid, relname FROM pg_catalog.pg_class ORDER BY relname
