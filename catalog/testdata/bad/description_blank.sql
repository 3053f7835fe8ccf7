/*---
description: "  "
---*/
SELECT 1
