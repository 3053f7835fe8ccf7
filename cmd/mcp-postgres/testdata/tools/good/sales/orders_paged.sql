/*---
description: All orders, the newest first.
params: [{name: statuses, type: "string[]", enum: [pending, paid, shipped, delivered, cancelled], description: Only these.}]
page: {key: [-id], size: 5, max: 50}
tests:
  - args: {statuses: [pending], page_size: 2}
    expect: {max_rows: 2}
---*/
SELECT id, status FROM shop.orders WHERE @statuses IS NULL OR status::text = ANY (@statuses)
