/*---
description: A tool.
page: {key: [1, "-", ""]}
---*/
SELECT 1
