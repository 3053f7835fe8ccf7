/*---
title: Products of a category
description: Products of a category and of the categories below it. A misspelt name is answered with the nearest ones.
params:
  - {name: category, type: string, required: true, description: "Name of the category, such as Camping or Tents."}
  - {name: sort, type: string, enum: [name, price, stock], default: name, description: What orders the products.}
not_found:
  when: SELECT NOT EXISTS (SELECT FROM shop.categories WHERE name = @category)
  message: 'There is no category "{category}".'
  suggest: SELECT name FROM shop.categories
limits: {rows: 200}
tests:
  - name: a category with others below it
    args: {category: Camping}
    expect: {rows: 24, columns: [category, sku, name, price, stock]}
  - name: by price
    args: {category: Tents, sort: price}
    expect: {contains: {category: Tents, name: Fjord Tent, price: 239.95}}
  - name: misspelt
    args: {category: Tens}
    expect: {error: not_found}
---*/
WITH RECURSIVE below AS (
  SELECT id, name FROM shop.categories WHERE name = @category
  UNION ALL
  SELECT c.id, c.name FROM shop.categories AS c JOIN below AS b ON c.parent_id = b.id
)
SELECT b.name AS category, p.sku, p.name, p.price, p.stock
FROM below AS b JOIN shop.products AS p ON p.category_id = b.id
ORDER BY CASE @sort WHEN 'price' THEN p.price WHEN 'stock' THEN p.stock END, p.name, p.sku
