/*---
title: Newest orders
description: Orders, newest first.
page: {key: ["-ordered at", '-say "id"'], max: 50}
limits: {timeout: 1m30s, rows: 50, bytes: 65536}
omit_null: true
open_world: true
---*/
SELECT * FROM orders
