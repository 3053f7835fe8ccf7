/*---
description: A tool.
---*/
SELECT id FROM notes FOR UPDATE
