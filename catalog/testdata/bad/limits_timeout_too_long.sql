/*---
description: A tool.
limits: {timeout: 48h}
---*/
SELECT 1
