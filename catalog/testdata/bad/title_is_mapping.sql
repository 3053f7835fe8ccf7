/*---
description: A tool.
title: {a: b}
---*/
SELECT 1
