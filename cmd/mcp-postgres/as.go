package main

import (
	"context"
	"mcp-postgres/catalog"
)

func asCaller(ctx context.Context, as *catalog.As) (context.Context, error) { return ctx, nil }
