/*---
description: A tool.
page: {key: []}
---*/
SELECT 1
