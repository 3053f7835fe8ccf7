/*---
description: A tool.
idempotent: false
---*/
SELECT 1
