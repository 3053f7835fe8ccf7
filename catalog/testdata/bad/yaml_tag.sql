/*---
description: !!str A tool.
title: !secret x
---*/
SELECT 1
