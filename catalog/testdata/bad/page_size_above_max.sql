/*---
description: A tool.
page: {key: [a], size: 50, max: 20}
---*/
SELECT 1
