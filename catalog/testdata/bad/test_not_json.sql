/*---
description: A tool.
tests:
  - expect: {contains: [{n: .inf}]}
---*/
SELECT 1 AS n
