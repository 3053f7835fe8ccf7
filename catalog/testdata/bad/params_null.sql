/*---
description: A tool.
params:
---*/
SELECT 1
