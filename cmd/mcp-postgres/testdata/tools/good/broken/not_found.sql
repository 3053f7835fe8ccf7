/*---
description: The question is no boolean.
params: [{name: name, type: string, description: x}]
limits: {rows: 5}
not_found: {message: "No {name}.", when: SELECT 1, suggest: SELECT nam FROM shop.categories}
---*/
SELECT id FROM shop.categories WHERE name = @name
