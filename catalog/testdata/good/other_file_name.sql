/*---
name: a_name_of_its_own
description: Its name is not that of the file.
params: []
---*/
-- kept: a hint for the planner

SELECT 1 -- inner
 + 1 -- dropped
; /* dropped */ ; -- dropped
