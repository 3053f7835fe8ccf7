/*---
description: A tool.
access: write
result: object
---*/
SELECT 1 AS n INTO made
