/*----
description: A tool.
---*/
SELECT 1
