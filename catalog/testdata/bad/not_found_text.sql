/*---
description: A tool.
not_found: nothing here
---*/
SELECT 1
