/*---
description: A tool.
access: write
---*/
SET search_path = x
