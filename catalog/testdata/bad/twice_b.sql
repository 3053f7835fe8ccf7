/*---
description: A tool.
name: the_same_name
---*/
SELECT 1
