/*---
description: A tool.
result: object
page: {key: [a]}
---*/
SELECT 1
