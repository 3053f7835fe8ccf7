-- a comment
/*---
description: A tool.
---*/
SELECT 1
