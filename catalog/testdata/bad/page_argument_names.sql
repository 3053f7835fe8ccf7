/*---
description: A tool.
page: {key: [a]}
params:
  - {name: cursor, type: string}
  - {name: page_size, type: integer}
---*/
SELECT @cursor, @page_size
