/*---
description: A tool.
---*/
-- nothing
/* here */ ;
