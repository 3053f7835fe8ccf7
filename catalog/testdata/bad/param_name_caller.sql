/*---
description: A tool.
params:
  - {name: caller_sub, type: string}
---*/
SELECT @caller_sub
