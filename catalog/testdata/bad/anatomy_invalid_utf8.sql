/*---
description: Größe 
---*/
SELECT '�'
