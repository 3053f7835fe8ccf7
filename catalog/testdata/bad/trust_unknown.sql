/*---
description: A tool.
trust: none
---*/
SELECT 1
