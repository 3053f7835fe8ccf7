/*---
description: A tool.
page: {key: [a], size: 0}
---*/
SELECT 1
