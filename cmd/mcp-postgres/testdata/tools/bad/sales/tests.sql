/*---
description: x
params: [{name: city, type: string}]
tests:
  - args: {citty: Kiel}
    expects: {rows: 1}
  - {expect: {rows: many, affected: 1}}
---*/
SELECT @city AS n
