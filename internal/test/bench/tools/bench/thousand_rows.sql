/*---
description: A thousand rows of eight columns.
---*/
SELECT id, customer_id, address_no, employee_id, status, placed_at, shipped_at, note FROM shop.orders ORDER BY id LIMIT 1000
