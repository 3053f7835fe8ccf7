/*---
description: A tool.
destructive: true
---*/
SELECT 1
