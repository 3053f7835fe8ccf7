/*---
description: A tool.
page: {key: [a], sise: 3}
---*/
SELECT 1
