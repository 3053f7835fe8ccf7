/*---
description: A tool.
requires: {extension: [vector, 5]}
---*/
SELECT 1 AS n
