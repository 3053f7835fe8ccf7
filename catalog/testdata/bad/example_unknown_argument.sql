/*---
description: A tool.
params:
  - {name: city, type: string, required: true}
  - {name: days, type: integer, maximum: 30}
examples:
  - args: {city: Kiel, day: 3}
---*/
SELECT @city AS city, @days AS days
