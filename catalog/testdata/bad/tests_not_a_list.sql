/*---
description: A tool.
tests: {args: {}}
---*/
SELECT 1 AS n
