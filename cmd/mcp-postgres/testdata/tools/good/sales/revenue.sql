/*---
description: Revenue of one month in EUR.
params: [{name: month, type: string, required: true, pattern: '^[0-9]{4}-[0-9]{2}$', description: "Year and month, such as 2025-03."}]
result: value
tests:
  - args: {month: 2025-03}
    expect: {equals: 102736.86}
---*/
SELECT coalesce(sum(revenue), 0) FROM shop.monthly_sales WHERE month = to_date(@month, 'YYYY-MM')
