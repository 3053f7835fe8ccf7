/*---
name: a_name_that_is_longer_than_some_clients_take
description: What some host or API of a model does not take.
params:
  - {name: days, type: integer, enum: [1, 7, 30], description: Days to look back.}
  - {name: state, type: string, enum: ["", open], description: State; empty for all.}
  - {name: kinds, type: "string[]", enum: [a, b], description: Kinds.}
---*/
SELECT @days AS days, @state AS state, @kinds AS kinds
