/*---
description: Files of path/* and below.
---*/
SELECT 1
