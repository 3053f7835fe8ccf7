/*---
description: One argument of every type.
params:
  - {name: s, type: string, description: x}
  - {name: i, type: integer, description: x}
  - {name: n, type: number, description: x}
  - {name: b, type: boolean, description: x}
  - {name: d, type: date, description: x}
  - {name: t, type: time, description: x}
  - {name: ts, type: timestamp, description: x}
  - {name: tz, type: timestamptz, description: x}
  - {name: iv, type: interval, description: x}
  - {name: u, type: uuid, description: x}
  - {name: j, type: json, description: x}
  - {name: ii, type: "integer[]", description: x}
result: object
tests:
  - args: {s: a, i: 1, n: 1.50, b: true, d: 2025-01-31, t: "09:30:00", ii: [1, 2], j: {a: [1]}}
    expect: {contains: {s: a, i: 1, n: 1.5, b: true, d: 2025-01-31, t: "09:30:00", ii: [1, 2], j: {a: [1]}, u: null}}
---*/
SELECT @s AS s, @i AS i, @n AS n, @b AS b, @d AS d, @t AS t, @ts AS ts, @tz AS tz, @iv AS iv, @u AS u, @j AS j, @ii AS ii
