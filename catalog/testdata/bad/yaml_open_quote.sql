/*---
description: "A tool.
title: x
---*/
SELECT 1
