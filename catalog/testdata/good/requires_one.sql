/*---
description: Needs one extension.
access: write
result: affected
requires: {extension: pg_trgm, server_version: 15}
tests: [{expect: {affected: 0}}]
---*/
DELETE FROM notes WHERE false
