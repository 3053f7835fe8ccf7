/*---
description: A tool.
requires: {extensions: vector}
---*/
SELECT 1 AS n
