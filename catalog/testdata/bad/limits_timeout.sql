/*---
description: A tool.
limits: {timeout: 10}
---*/
SELECT 1
