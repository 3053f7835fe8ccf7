package main

import (
	"context"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/observe"
)

// spanOfCall makes a span of each call of a tool.
func spanOfCall(tracer *observe.Tracer) func(server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		if tracer == nil {
			return next
		}
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			ctx, end := tracer.Request(ctx, string(mcp.MethodToolsCall), req.Params.Name, metaFields(req.Params.Meta))
			defer end()
			return next(ctx, req)
		}
	}
}

// spanOptions make a span of each other request that works on the database.
func spanOptions(tracer *observe.Tracer) []server.ServerOption {
	if tracer == nil {
		return nil
	}
	return []server.ServerOption{
		server.WithResourceHandlerMiddleware(func(next server.ResourceHandlerFunc) server.ResourceHandlerFunc {
			return func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
				ctx, end := tracer.Request(ctx, string(mcp.MethodResourcesRead), "", metaFields(req.Params.Meta))
				defer end()
				return next(ctx, req)
			}
		}),
	}
}

func metaFields(m *mcp.Meta) map[string]any {
	if m == nil {
		return nil
	}
	return m.AdditionalFields
}
