/*---
description: "a\0b"
---*/
SELECT 1
