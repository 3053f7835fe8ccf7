/*---
description: A tool.
not_found: {when: SELECT true}
---*/
SELECT 1
