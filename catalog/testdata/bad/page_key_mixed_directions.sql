/*---
description: A tool.
page: {key: [a, -b]}
---*/
SELECT 1
