/*---
description: Number of customers.
result: value
roles: [analyst, restricted]
tests:
  - {as: {sub: bob@company.com}, expect: {equals: 400}}
  - {as: {sub: somebody}, expect: {error: unknown_tool}}
  - {as: {sub: alice@company.com}, expect: {error: unknown_tool}}
  - {as: {role: analist}}
---*/
SELECT count(*) FROM shop.customers
