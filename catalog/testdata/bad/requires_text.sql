/*---
description: A tool.
requires: pgvector
---*/
SELECT 1 AS n
