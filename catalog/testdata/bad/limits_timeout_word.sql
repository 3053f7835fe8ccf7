/*---
description: A tool.
limits: {timeout: ten seconds}
---*/
SELECT 1
