/*---
description: Needs an extension.
requires: {extension: vector}
limits: {rows: 1}
---*/
SELECT '[1]'::vector AS v
