/*---
description: A tool.
page: {key: [a], size: 20000}
---*/
SELECT 1
