/*---
description: A tool.
name: query
---*/
SELECT 1
