/*---
description: A tool.
---*/
MERGE INTO notes n USING new w ON n.id = w.id WHEN MATCHED THEN UPDATE SET body = w.body
