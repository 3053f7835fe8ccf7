/*---
description: A tool.
limits: &l {rows: 5}
page: *l
---*/
SELECT 1
