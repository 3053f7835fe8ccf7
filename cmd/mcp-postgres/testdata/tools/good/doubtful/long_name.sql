/*---
description: A column whose name is cut.
result: value
---*/
SELECT 1 AS a_name_of_more_than_sixty_three_characters_which_postgresql_cuts_short
