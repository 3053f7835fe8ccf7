/*---
description: A tool.
page: {key: [-a, -a]}
---*/
SELECT 1
