/*---
description: A tool.
idempotent: 1
open_world: "true"
---*/
SELECT 1
