/*---
description: Products in an order that is none.
params:
  - {name: word, type: string, description: Part of the name.}
  - {name: sort, type: string, description: A column.}
limits: {rows: 5}
---*/
SELECT name, 'no @word, mail@word.example' AS said, '%@sort%' AS "x@word @sort"
FROM shop.products
WHERE name = @word
ORDER BY @sort DESC NULLS LAST, (CASE @sort WHEN 'name' THEN name END), lower(@sort), row_number() OVER (ORDER BY (@word::text), id)
