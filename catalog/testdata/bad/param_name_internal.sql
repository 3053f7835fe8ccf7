/*---
description: A tool.
params:
  - {name: page_limit, type: integer}
  - {name: page_key_12, type: integer}
---*/
SELECT @page_limit, @page_key_12
