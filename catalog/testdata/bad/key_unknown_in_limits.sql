/*---
description: A tool.
limits: {row: 1, duration: 3s}
---*/
SELECT 1
