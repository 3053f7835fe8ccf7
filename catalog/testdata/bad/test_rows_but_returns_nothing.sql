/*---
description: A tool.
access: write
tests: [{expect: {rows: 1}}]
---*/
DELETE FROM notes
