/*---
description: Sleeps and throws dice.
result: object
---*/
SELECT random() AS dice, pg_sleep(0)
