/*---
description: A tool.
use: [relation]
---*/
-- Größe
SELECT r.table_name
FORM relation AS r
