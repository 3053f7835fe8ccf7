/*---
description: Products by a part of the name.
params: [{name: word, type: string, required: true}]
---*/
SELECT name FROM shop.products WHERE name ILIKE '%' || @word || '%' LIMIT 5
