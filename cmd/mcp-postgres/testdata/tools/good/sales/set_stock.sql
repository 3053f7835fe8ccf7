/*---
description: Sets the stock of a product.
params:
  - {name: sku, type: string, required: true, description: Stock keeping unit.}
  - {name: stock, type: integer, required: true, minimum: 0, description: Pieces.}
access: write
result: affected
idempotent: true
limits: {max_affected: 1}
tests:
  - args: {sku: TEN-ALP-001, stock: 1}
    expect: {affected: 1}
---*/
UPDATE shop.products SET stock = @stock WHERE sku = @sku
