/*---
description: &d A tool.
title: *d
---*/
SELECT 1
