/*---
description: Needs a newer server.
requires: {server_version: 99}
limits: {rows: 1}
---*/
SELECT new_thing() AS v
