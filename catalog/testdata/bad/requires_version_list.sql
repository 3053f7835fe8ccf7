/*---
description: A tool.
requires: {server_version: [15, 16]}
---*/
SELECT 1 AS n
