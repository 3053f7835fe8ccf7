/*---
description: Compares text with a number.
params: [{name: sku, type: integer, required: true, description: x}]
result: object
---*/
SELECT id FROM shop.products WHERE sku = @sku
