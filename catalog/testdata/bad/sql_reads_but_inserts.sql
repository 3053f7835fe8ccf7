/*---
description: A tool.
---*/
INSERT INTO notes (body) VALUES (1)
