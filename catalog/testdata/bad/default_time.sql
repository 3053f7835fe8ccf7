/*---
description: A tool.
params:
  - name: a
    type: time
    default: "9:30"
---*/
SELECT @a
