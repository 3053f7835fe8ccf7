/*---
description: A tool.
params:
  - {name: city, type: string, required: true}
  - {name: days, type: integer, maximum: 30}
examples:
  - {title: x, args: {city: Kiel}}
---*/
SELECT @city AS city, @days AS days
