/*---
description: A tool.
access: write
result: value
---*/
MERGE INTO notes USING more ON notes.id = more.id WHEN MATCHED THEN DELETE
