/*---
description: A function that is not there.
result: value
params: [{name: a, type: integer, description: x}]
---*/
SELECT uppr(@a::text)
