/*---
description: A tool.
access: write
---*/
CALL tidy()
