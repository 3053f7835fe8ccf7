/*---
description: A tool.
---*/
SELECT 1 AS n INTO copy
