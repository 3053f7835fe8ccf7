/*---
description: A tool.
---*/
SELECT id
FORM orders WHERE
