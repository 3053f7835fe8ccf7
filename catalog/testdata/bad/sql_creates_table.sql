/*---
description: A tool.
access: write
---*/
CREATE TABLE notes (id int)
