/*---
description: A tool.
result: affected
---*/
SELECT 1
