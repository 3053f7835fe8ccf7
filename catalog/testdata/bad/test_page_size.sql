/*---
description: A tool.
page: {key: [n], max: 10}
tests:
  - args: {page_size: 11}
---*/
SELECT 1 AS n
