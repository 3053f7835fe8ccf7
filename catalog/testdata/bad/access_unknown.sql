/*---
description: A tool.
access: rw
---*/
SELECT 1
