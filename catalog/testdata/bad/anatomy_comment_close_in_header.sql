/*---
description: Files */ of a path.
title: "*/ and /*"
---*/
SELECT 1
