package serve_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/serve"
)

// BenchmarkHTTP compares this transport with the library's, for a tool that does nothing.
func BenchmarkHTTP(b *testing.B) {
	ts := newTools()
	bare := server.NewMCPServer("bare", "1")
	bare.AddTool(mcp.NewTool("echo"), func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		return mcp.NewToolResultText(req.GetString("text", "")), nil
	})
	for name, h := range map[string]http.Handler{
		"ours": serve.Handler(ts.server(b, serve.Config{})), "library": server.NewStreamableHTTPServer(bare, server.WithStateLess(true)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(call("1", "echo", "hi")))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", "application/json, text/event-stream")
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
