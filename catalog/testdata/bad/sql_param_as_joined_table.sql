/*---
description: A tool.
params: [{name: t, type: string}]
---*/
SELECT id FROM notes JOIN @t USING (id)
