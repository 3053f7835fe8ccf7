/*---
title: Orders of a city
description: Orders of a city in the last days.
params:
  - {name: city, type: string, required: true}
  - {name: since, type: date}
page: {key: [id]}
roles: [analyst, support]
requires: {extension: [pg_trgm, vector], server_version: ">=15.2"}
trust: owner
examples:
  - args: {city: Kiel}
  - description: From a day on.
    args: {city: Kiel, since: 2025-01-31, page_size: 5}
tests:
  - name: an unknown city
    args: {city: Nowhere, since: null}
    expect: {rows: 0, columns: [id, city]}
  - args: {city: Kiel}
    as: {sub: alice, role: analyst, claims: {groups: [a, b], level: 3}}
    expect:
      max_rows: 100
      contains: [{city: Kiel}]
  - args: {town: Kiel}
    expect: {error: invalid_arguments}
  - args: {city: Kiel}
    expect: {error: 42703}
---*/
SELECT id, city FROM orders WHERE city = @city AND (@since IS NULL OR day >= @since)
