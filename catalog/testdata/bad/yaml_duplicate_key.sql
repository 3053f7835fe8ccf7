/*---
description: A tool.
title: a
title: b
---*/
SELECT 1
