/*---
description: A write without RETURNING tells the rows.
access: write
params: [{name: id, type: integer, description: Its number.}]
tests: [{expect: {affected: 0}}]
---*/
UPDATE notes SET done = true WHERE id = @id
