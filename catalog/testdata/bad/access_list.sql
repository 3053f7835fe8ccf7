/*---
description: A tool.
access: [read]
---*/
SELECT 1
