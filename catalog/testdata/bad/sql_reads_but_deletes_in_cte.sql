/*---
description: A tool.
---*/
WITH gone AS (
  DELETE FROM notes RETURNING id)
SELECT id FROM gone
