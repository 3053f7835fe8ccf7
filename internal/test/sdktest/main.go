// Command sdktest is client.mjs on the official Go SDK: sdktest REVISION TRANSPORT TARGET.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type answer struct {
	Tools      int    `json:"tools,omitempty"`
	Text       string `json:"text,omitempty"`
	IsError    bool   `json:"isError,omitempty"`
	Structured bool   `json:"structured,omitempty"`
	Error      any    `json:"error,omitempty"`
	Thrown     string `json:"thrown,omitempty"`
}

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, revision, transport, target string) error {
	var t mcp.Transport
	switch transport {
	case "stdio":
		t = &mcp.CommandTransport{Command: exec.Command(target)}
	case "sse":
		t = &mcp.SSEClientTransport{Endpoint: target}
	default:
		t = &mcp.StreamableClientTransport{Endpoint: target}
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "sdktest", Version: "1"}, nil)
	session, err := client.Connect(ctx, t, &mcp.ClientSessionOptions{ProtocolVersion: revision})
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	list, err := session.ListTools(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing the tools: %w", err)
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(answer{Tools: len(list.Tools)}); err != nil {
		return err
	}
	cancel := func() {}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "cancel" {
			cancel()
			continue
		}
		var c struct {
			Tool string
			Args map[string]any
		}
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		calling, stop := context.WithCancel(ctx)
		cancel = stop
		go func() {
			defer stop()
			_ = out.Encode(call(calling, session, c.Tool, c.Args)) // the test misses what can't be written
		}()
	}
	return session.Close()
}

func call(ctx context.Context, session *mcp.ClientSession, tool string, args map[string]any) answer {
	r, err := session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return answer{Thrown: err.Error()}
	}
	a := answer{IsError: r.IsError, Structured: r.StructuredContent != nil, Error: r.Meta["mcp-postgres/error"]}
	if text, ok := r.Content[0].(*mcp.TextContent); ok {
		a.Text = text.Text
	}
	return a
}
