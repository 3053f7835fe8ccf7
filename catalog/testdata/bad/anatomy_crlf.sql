/*---
description: A tool.
parms: []
---*/
SELECT 1,
  @a
