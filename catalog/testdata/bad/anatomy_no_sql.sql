/*---
description: A tool.
---*/
