/*---
description: A tool.
---*/
SHOW search_path
