/*---
description: A tool.
limits: {timeout: -5s}
---*/
SELECT 1
