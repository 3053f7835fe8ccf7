/*---
description: A tool.
limits: {rows: 0, bytes: -1}
---*/
SELECT 1
