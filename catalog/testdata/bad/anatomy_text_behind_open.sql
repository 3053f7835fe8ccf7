/*--- name: x
description: A tool.
---*/
SELECT 1
