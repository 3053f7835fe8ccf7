/*---
description: A tool.
access: write
result: rows
---*/
UPDATE notes SET done = true
