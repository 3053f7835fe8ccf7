/*---
description: A  tool.
title: Line break
---*/
SELECT 1
