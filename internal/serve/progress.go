package serve

import (
	"context"
	"fmt"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// period holds the times that tests shorten.
type period struct {
	progress  time.Duration // between two notifications of progress
	heartbeat time.Duration // between two signs of life on a stream
	idle      time.Duration // after which an SSE session without messages ends
}

var standard = period{progress: time.Second, heartbeat: 15 * time.Second, idle: time.Hour}

// progress tells a client that asked for it, once a second, that its call is still running. The last notification has
// been written when the call returns; the library loses one that is sent through it just before that.
func (t *Transport) progress(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		if req.Params.Meta == nil || req.Params.Meta.ProgressToken == nil {
			return next(ctx, req)
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			t.tell(exchangeFrom(ctx), req.Params.Meta.ProgressToken, stop)
		}()
		defer func() {
			close(stop)
			<-stopped
		}()
		return next(ctx, req)
	}
}

func (t *Transport) tell(x *exchange, token mcp.ProgressToken, stop <-chan struct{}) {
	ticker := time.NewTicker(t.period.progress)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		err := x.notify(notification{"2.0", "notifications/progress", map[string]any{
			"progressToken": token, "progress": n, "message": fmt.Sprintf("running for %d s", n),
		}})
		if err != nil { // the client has gone: the call is being cancelled
			return
		}
	}
}
