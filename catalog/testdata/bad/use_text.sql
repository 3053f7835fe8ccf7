/*---
description: A tool.
use: relation
---*/
SELECT count(*) AS n FROM relation
