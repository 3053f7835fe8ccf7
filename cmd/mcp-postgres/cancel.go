package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// calls knows the tool calls of the client that are not answered yet, by the JSON of their ids. The protocol library can
// only cancel a call that is running; one that waits for its turn would be run all the same.
type calls struct {
	mu      sync.Mutex
	waiting map[string]bool // true: cancelled before its turn
	running map[string]context.CancelFunc
}

// callHeader carries the id of a call from the hook, which is told it, to the handler, which is not.
const callHeader = "Call-Id"

// callKey writes an id in one form, for the client may write the same one in several.
func callKey(id any) string {
	if raw, ok := id.(json.RawMessage); ok && json.Unmarshal(raw, &id) != nil {
		return ""
	}
	key, err := json.Marshal(id)
	if err != nil {
		return ""
	}
	return string(key)
}

func newCalls() *calls {
	return &calls{waiting: map[string]bool{}, running: map[string]context.CancelFunc{}}
}

// options make the server ask c.
func (c *calls) options() []server.ServerOption {
	hooks := &server.Hooks{}
	hooks.AddBeforeCallTool(func(_ context.Context, id any, req *mcp.CallToolRequest) {
		req.Header = http.Header{callHeader: {callKey(id)}}
	})
	return []server.ServerOption{server.WithHooks(hooks), server.WithToolHandlerMiddleware(c.middleware)}
}

func (c *calls) middleware(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		key := req.Header.Get(callHeader)
		c.begin(key, cancel)
		defer c.end(key)
		return next(ctx, req)
	}
}

// received notes a call that has been read from the client.
func (c *calls) received(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[key] = false
}

// begin notes that a call has its turn, and cancels it at once where the client has asked for that before.
func (c *calls) begin(key string, cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting[key] {
		cancel()
	}
	delete(c.waiting, key)
	c.running[key] = cancel
}

func (c *calls) end(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, key)
}

// cancel ends a call that runs, or keeps one that waits from running.
func (c *calls) cancel(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cancel, ok := c.running[key]; ok {
		cancel()
	} else if _, ok := c.waiting[key]; ok {
		c.waiting[key] = true
	}
}
