/*---
description: The least a tool can be.
---*/
SELECT 1