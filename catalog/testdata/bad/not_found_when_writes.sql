/*---
description: A tool.
not_found: {message: none, when: DELETE FROM notes RETURNING true}
---*/
SELECT 1 AS n
