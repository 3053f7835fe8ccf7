/*---
description: A tool.
---*/
EXPLAIN SELECT 1
