/*---
description: A tool.
requires: {server_version: "> 15"}
---*/
SELECT 1 AS n
