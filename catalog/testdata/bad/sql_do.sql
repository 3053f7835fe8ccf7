/*---
description: A tool.
access: write
---*/
DO 'BEGIN END'
