/*---
description: A tool.
---*/