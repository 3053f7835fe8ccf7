/*---
description: Every type, with defaults.
result: object
params:
  - {name: s, type: string, default: 2024-01-01, enum: [2024-01-01, "5", "yes"]}
  - {name: i, type: integer, default: -9223372036854775808}
  - {name: n, type: number, default: 1.50e-3, minimum: -0.0, maximum: 1E3}
  - {name: b, type: boolean, default: False}
  - {name: d, type: date, default: 2024-02-29}
  - {name: t, type: time, default: 09:30:00.123456}
  - {name: ts, type: timestamp, default: 2024-01-31T09:30:00.5}
  - {name: tz, type: timestamptz, default: 2024-01-31T09:30:00+02:00}
  - {name: iv, type: interval, default: P1Y2M3DT4H5M6S, enum: [P1Y2M3DT4H5M6S, P2W, PT5M]}
  - {name: u, type: uuid, default: f81d4fae-7dec-11d0-a765-00a0c91e6bf6}
  - name: j
    type: json
    default: {text: x, n: 123456789012345678901234567890, list: [1.0, true, null, {}], date: 2024-01-01}
  - {name: ss, type: "string[]", default: [a, b], enum: [a, b, c], min_items: 1, max_items: 2, examples: [[a], [b, c]]}
  - {name: ii, type: "integer[]", default: []}
  - {name: nn, type: "number[]"}
  - {name: bb, type: "boolean[]"}
  - {name: dd, type: "date[]", default: [2024-01-31]}
  - {name: tt, type: "time[]"}
  - {name: tts, type: "timestamp[]"}
  - {name: ttz, type: "timestamptz[]"}
  - {name: ivs, type: "interval[]"}
  - {name: uu, type: "uuid[]"}
  - {name: jj, type: "json[]", default: [1, {a: b}, "x"]}
---*/
SELECT @s, @i, @n, @b, @d, @t, @ts, @tz, @iv, @u, @j,
  @ss, @ii, @nn, @bb, @dd, @tt, @tts, @ttz, @ivs, @uu, @jj,
  @caller_sub, @caller_role, @caller_claims, @caller_schemas, @caller_tables
