/*---
description: A tool.
omit_null: yes please
---*/
SELECT 1
