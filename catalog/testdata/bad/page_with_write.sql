/*---
description: A tool.
access: write
page: {key: [a]}
---*/
SELECT 1
