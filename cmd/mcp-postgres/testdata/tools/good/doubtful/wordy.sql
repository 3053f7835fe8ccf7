/*---
description: >
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
  This tool says much more than anybody wants to read before it is called, and says it again.
result: value
---*/
SELECT 1
