/*---
description: A tool.
params: [{name: day, type: date}]
---*/
SELECT @day AS day,
  FROM orders
