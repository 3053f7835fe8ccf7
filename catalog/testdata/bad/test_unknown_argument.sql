/*---
description: A tool.
params:
  - {name: city, type: string, required: true}
  - {name: days, type: integer, maximum: 30}
tests:
  - args: {town: Kiel, city: Kiel}
    expect: {rows: 1}
---*/
SELECT @city AS city, @days AS days
