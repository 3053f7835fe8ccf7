/*---
just text
---*/
SELECT 1
