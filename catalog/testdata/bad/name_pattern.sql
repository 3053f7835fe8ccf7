/*---
description: A tool.
name: List-Tables
---*/
SELECT 1
