/*---
description: The least that a tool can do.
---*/
SELECT 1 AS one
