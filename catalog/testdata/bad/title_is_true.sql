/*---
description: A tool.
title: true
---*/
SELECT 1
