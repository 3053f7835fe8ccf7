/*---
description: A tool.
page: {key: [a]}
limits: {rows: 500}
---*/
SELECT 1
