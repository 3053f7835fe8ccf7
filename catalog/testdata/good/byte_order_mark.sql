

/*---  
description: A mark and blank lines before the header.
---*/ SELECT 1;
