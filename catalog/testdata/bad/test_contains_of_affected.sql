/*---
description: A tool.
access: write
result: affected
tests:
  - expect: {contains: {affected: 1}}
---*/
UPDATE t SET n = 1
