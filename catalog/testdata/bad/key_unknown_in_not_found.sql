/*---
description: A tool.
not_found: {message: x, wen: SELECT true}
---*/
SELECT 1
