/*---
description: A tool.
page:
	key: [a]
---*/
SELECT 1
