/*---
description: A tool.
---*/
UPDATE notes SET body = 1
