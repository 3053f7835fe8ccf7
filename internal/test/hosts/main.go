// Command hosts is client.mjs on the official Go SDK: hosts REVISION TRANSPORT TARGET.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type answer struct {
	Tools      int    `json:"tools,omitempty"`
	Count      int    `json:"count,omitempty"`
	Text       string `json:"text,omitempty"`
	IsError    bool   `json:"isError,omitempty"`
	Structured bool   `json:"structured,omitempty"`
	Error      any    `json:"error,omitempty"`
	Thrown     string `json:"thrown,omitempty"`
}

// request is a line of the standard input.
type request struct {
	Op, Tool, URI, Name, Value string
	Args                       map[string]any
}

type client struct {
	*mcp.ClientSession
	changes, progress atomic.Int32
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
		command := strings.Fields(target)
		t = &mcp.CommandTransport{Command: exec.Command(command[0], command[1:]...)}
	case "sse":
		t = &mcp.SSEClientTransport{Endpoint: target}
	default:
		t = &mcp.StreamableClientTransport{Endpoint: target}
	}
	c := &client{}
	library := mcp.NewClient(&mcp.Implementation{Name: "hosts", Version: "1"}, &mcp.ClientOptions{
		ToolListChangedHandler:      func(context.Context, *mcp.ToolListChangedRequest) { c.changes.Add(1) },
		ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { c.progress.Add(1) },
	})
	var err error
	if c.ClientSession, err = library.Connect(ctx, t, &mcp.ClientSessionOptions{ProtocolVersion: revision}); err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	list, err := c.ListTools(ctx, nil)
	if err != nil {
		return fmt.Errorf("listing the tools: %w", err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(answer{Tools: len(names), Text: strings.Join(names, " ")}); err != nil {
		return err
	}
	cancel := func() {}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if in.Text() == "cancel" {
			cancel()
			continue
		}
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		calling, stop := context.WithCancel(ctx)
		cancel = stop
		go func() {
			defer stop()
			a, err := c.do(calling, r)
			if err != nil {
				a = answer{Thrown: err.Error()}
			}
			_ = out.Encode(a) // the test misses what can't be written
		}()
	}
	return c.Close()
}

func (c *client) do(ctx context.Context, r request) (answer, error) {
	switch r.Op {
	case "changes":
		return answer{Count: int(c.changes.Load())}, nil
	case "all":
		return c.all(ctx)
	case "read":
		res, err := c.ReadResource(ctx, &mcp.ReadResourceParams{URI: r.URI})
		if err != nil {
			return answer{}, err
		}
		return answer{Text: res.Contents[0].Text}, nil
	case "prompt":
		args := map[string]string{}
		for name, v := range r.Args {
			args[name] = fmt.Sprint(v)
		}
		res, err := c.GetPrompt(ctx, &mcp.GetPromptParams{Name: r.Name, Arguments: args})
		if err != nil {
			return answer{}, err
		}
		return answer{Text: res.Messages[0].Content.(*mcp.TextContent).Text}, nil
	case "complete":
		res, err := c.Complete(ctx, &mcp.CompleteParams{Ref: &mcp.CompleteReference{Type: "ref/resource", URI: r.URI},
			Argument: mcp.CompleteParamsArgument{Name: r.Name, Value: r.Value}})
		if err != nil {
			return answer{}, err
		}
		return answer{Text: strings.Join(res.Completion.Values, " ")}, nil
	}
	a, err := c.call(ctx, r)
	if r.Op == "progress" {
		a.Count = int(c.progress.Load())
	}
	return a, err
}

func (c *client) call(ctx context.Context, r request) (answer, error) {
	params := &mcp.CallToolParams{Name: r.Tool, Arguments: r.Args}
	if r.Op == "progress" {
		params.SetProgressToken("p")
	}
	res, err := c.CallTool(ctx, params)
	if err != nil {
		return answer{}, err
	}
	a := answer{IsError: res.IsError, Structured: res.StructuredContent != nil, Error: res.Meta["mcp-postgres/error"]}
	var texts []string
	for _, block := range res.Content {
		if text, ok := block.(*mcp.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	a.Text = strings.Join(texts, "\n")
	return a, nil
}

func (c *client) all(ctx context.Context) (answer, error) {
	page, err := c.ListResources(ctx, nil)
	if err != nil {
		return answer{}, err
	}
	templates, err := c.ListResourceTemplates(ctx, nil)
	if err != nil {
		return answer{}, err
	}
	prompts, err := c.ListPrompts(ctx, nil)
	if err != nil {
		return answer{}, err
	}
	var uris []string
	for _, r := range page.Resources {
		uris = append(uris, r.URI)
	}
	return answer{Count: min(len(uris), len(templates.ResourceTemplates), len(prompts.Prompts)), Text: strings.Join(uris, " ")}, nil
}
