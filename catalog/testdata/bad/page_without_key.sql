/*---
description: A tool.
page: {size: 3}
---*/
SELECT 1
