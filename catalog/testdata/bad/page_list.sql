/*---
description: A tool.
page: [a]
---*/
SELECT 1
