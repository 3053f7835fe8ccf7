/*---
description: A tool.
page: {key: [a], max: 20000}
---*/
SELECT 1
