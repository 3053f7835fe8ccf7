/*---
description: A tool.
limits: {rows: 010, bytes: 1_000}
---*/
SELECT 1
