/*---
description: A tool.
limits: {max_affected: 5}
---*/
SELECT 1
