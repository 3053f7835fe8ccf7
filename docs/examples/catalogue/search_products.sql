/*---
title: Search products
description: Products for sale by name, labels, attributes and price, the cheapest first.
params:
  - {name: words, type: string, description: "Part of the name, such as tent; % and _ are ordinary characters."}
  - {name: tags, type: "string[]", max_items: 4, enum: [waterproof, lightweight, recycled, bestseller], description: Labels that the product must all have.}
  - {name: attributes, type: json, default: {}, examples: [{colour: navy}], description: Attributes that the product must have.}
  - {name: max_price, type: number, minimum: 0, description: Highest price in EUR.}
  - {name: in_stock, type: boolean, default: false, description: Only products that can be shipped today.}
omit_null: true
limits: {rows: 50}
tests:
  - name: everything at once
    args: {words: HARNESS, tags: [lightweight, recycled], attributes: {colour: navy}, max_price: 200, in_stock: true}
    expect: {rows: 1, contains: [{name: Fjord Harness, stock: 15}]}
  - name: attributes as JSON text, as some models send them
    args: {attributes: '{"colour": "navy"}', max_price: 60}
    expect: {contains: [{attributes: {colour: navy}}]}
  - name: an underscore is no wildcard
    args: {words: _ent}
    expect: {rows: 0}
  - name: a label that does not exist
    args: {tags: [heavy]}
    expect: {error: invalid_arguments}
---*/
SELECT sku, name, price, stock, tags, attributes, warranty
FROM shop.products
WHERE active
  AND (@words IS NULL OR name ILIKE '%' || regexp_replace(@words, '([\\%_])', '\\\1', 'g') || '%')
  AND (@tags IS NULL OR tags @> @tags)
  AND attributes @> @attributes
  AND (@max_price IS NULL OR price <= @max_price)
  AND (NOT @in_stock OR stock > 0)
ORDER BY price, sku
LIMIT 50
