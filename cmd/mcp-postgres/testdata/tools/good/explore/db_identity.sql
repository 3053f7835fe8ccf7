/*---
description: Ours instead of the built-in one.
result: value
---*/
SELECT current_database()
