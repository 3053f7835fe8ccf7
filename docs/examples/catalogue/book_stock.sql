/*---
title: Book stock
description: Adds pieces of a product to the warehouse, or takes them out with a negative number. Answers the new stock.
params:
  - {name: sku, type: string, required: true, description: "Stock keeping unit, such as TEN-ALP-001."}
  - {name: pieces, type: integer, required: true, minimum: -1000, maximum: 1000, description: Pieces to add; negative to take out.}
access: write
result: value
limits: {max_affected: 1}
not_found:
  message: 'There is no product {sku}.'
  suggest: SELECT sku FROM shop.products
tests:
  - name: add
    args: {sku: TEN-ALP-001, pieces: 5}
    expect: {equals: 69}
  - name: more than there is
    args: {sku: TEN-ALP-001, pieces: -1000}
    expect: {error: "23514"}
  - name: misspelt
    args: {sku: TEN-ALP-01, pieces: 1}
    expect: {error: not_found}
---*/
UPDATE shop.products SET stock = stock + @pieces::int WHERE sku = @sku RETURNING stock
