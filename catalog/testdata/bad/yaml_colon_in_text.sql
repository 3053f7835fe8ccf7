/*---
title: x
description: Tables: all of them
---*/
SELECT 1
