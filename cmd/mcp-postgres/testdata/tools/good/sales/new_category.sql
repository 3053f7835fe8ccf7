/*---
description: Makes a category and gives its number.
params: [{name: name, type: string, required: true, max_length: 40, description: Its name.}]
access: write
result: value
tests:
  - args: {name: Kites}
    expect: {equals: 21}
  - args: {name: Tents}
    expect: {error: "23505"}
---*/
INSERT INTO shop.categories (id, name) SELECT max(id) + 1, @name FROM shop.categories RETURNING id
