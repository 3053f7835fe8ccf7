/*---
description: x
params:
  - {name: city, type: strng}
  - {name: day, type: date, default: yesterday}
---*/
SELECT @cty AS n
