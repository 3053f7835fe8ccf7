/*---
description: A tool.
limits: 10s
---*/
SELECT 1
