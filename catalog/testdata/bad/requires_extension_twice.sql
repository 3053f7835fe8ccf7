/*---
description: A tool.
requires: {extension: [vector, vector]}
---*/
SELECT 1 AS n
