/*---
description: A tool.
limits: {rows: many, bytes: 1.5}
---*/
SELECT 1
