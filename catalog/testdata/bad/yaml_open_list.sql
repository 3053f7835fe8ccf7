/*---
description: A tool.
page: {key: [a, b
title: x
---*/
SELECT 1
