package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// bodies keeps large answers away from the protocol library, which reads and copies each several times while it writes it:
// the library is given a token in their place, and the token is replaced on its way to the client.
type bodies struct {
	prefix string // what tokens begin with; nobody can guess it

	mu      sync.Mutex
	last    uint64
	waiting map[string]body
}

// body is one answer: the text block, and the structured content, which may be nil.
type body struct {
	text       string
	structured json.RawMessage
}

const (
	// smallBody is the size in bytes from which an answer is kept away; a message with a token is smaller.
	smallBody = 4096
	// maxWaiting bounds the answers that wait, should the library drop some; the others go their usual way.
	maxWaiting = 1000
)

func newBodies() *bodies {
	return &bodies{prefix: "body-" + rand.Text() + "-", waiting: map[string]body{}}
}

func (b *bodies) middleware(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := next(ctx, req)
		if err == nil && len(res.Content) == 1 {
			b.keep(res)
		}
		return res, err
	}
}

// keep puts tokens into a large answer.
func (b *bodies) keep(res *mcp.CallToolResult) {
	text, ok := res.Content[0].(mcp.TextContent)
	structured, isJSON := res.StructuredContent.(json.RawMessage)
	if !ok || len(text.Text) < smallBody || res.StructuredContent != nil && !isJSON || bytes.IndexByte(structured, '\n') >= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) >= maxWaiting {
		return
	}
	b.last++
	token := fmt.Sprintf("%s%016x", b.prefix, b.last)
	b.waiting[token] = body{text.Text, structured}
	res.Content = []mcp.Content{mcp.NewTextContent(token)}
	if isJSON {
		res.StructuredContent = json.RawMessage(object(token))
	}
}

// object is what stands for the structured content.
func object(token string) string { return `{"body":"` + token + `"}` }

// restore gives the message with the answer in it, for one with a token.
func (b *bodies) restore(message []byte) []byte {
	if len(message) >= smallBody {
		return message
	}
	at := bytes.Index(message, []byte(b.prefix))
	if at < 0 || at+len(b.prefix)+16 > len(message) {
		return message
	}
	token := string(message[at : at+len(b.prefix)+16])
	b.mu.Lock()
	answer, ok := b.waiting[token]
	delete(b.waiting, token)
	b.mu.Unlock()
	if !ok {
		return message
	}
	out := make([]byte, 0, len(message)+len(answer.text)*5/4+len(answer.structured))
	for {
		i := bytes.Index(message, []byte(`"`+token+`"`))
		if i < 0 {
			return append(out, message...)
		}
		if before := i - len(`{"body":`); before >= 0 && bytes.HasPrefix(message[before:], []byte(object(token))) {
			out = append(append(out, message[:before]...), answer.structured...)
			message = message[before+len(object(token)):]
			continue
		}
		out = postgres.AppendString(append(out, message[:i]...), answer.text)
		message = message[i+len(token)+2:]
	}
}
