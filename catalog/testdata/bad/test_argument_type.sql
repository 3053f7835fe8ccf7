/*---
description: A tool.
params:
  - {name: city, type: string, required: true}
  - {name: days, type: integer, maximum: 30}
tests:
  - args: {city: Kiel, days: many}
---*/
SELECT @city AS city, @days AS days
