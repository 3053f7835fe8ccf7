package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// body is a large answer that is kept away from the protocol library, which reads and copies each several times while it
// writes it: the library is given a token in its place, and the token is replaced on its way to the client. It is the
// text block, and the structured content, which may be nil.
type body struct {
	text       string
	structured json.RawMessage
}

// smallBody is the size in bytes from which an answer is kept away; a message with a token is smaller.
const smallBody = 4096

// token stands for the text. Nobody can guess it, and no client is ever sent it.
var token = "body-" + rand.Text()

// object stands for the structured content.
var object = `{"body":"` + token + `"}`

func keepLarge(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		res, err := next(ctx, req)
		if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok && err == nil && len(res.Content) == 1 {
			x.large.keep(res)
		}
		return res, err
	}
}

// keep puts tokens into a large answer.
func (b *body) keep(res *mcp.CallToolResult) {
	text, ok := res.Content[0].(mcp.TextContent)
	structured, isJSON := res.StructuredContent.(json.RawMessage)
	if !ok || len(text.Text) < smallBody || res.StructuredContent != nil && !isJSON || bytes.IndexByte(structured, '\n') >= 0 {
		return
	}
	b.text, b.structured = text.Text, structured
	res.Content = []mcp.Content{mcp.NewTextContent(token)}
	if isJSON {
		res.StructuredContent = json.RawMessage(object)
	}
}

// restore gives the message with the answer in it, for one with a token.
func (b *body) restore(message []byte) []byte {
	if b.text == "" || len(message) >= smallBody {
		return message
	}
	out := make([]byte, 0, len(message)+len(b.text)*5/4+len(b.structured))
	for {
		i := bytes.Index(message, []byte(`"`+token+`"`))
		if i < 0 {
			return append(out, message...)
		}
		if before := i - len(`{"body":`); before >= 0 && bytes.HasPrefix(message[before:], []byte(object)) {
			out = append(append(out, message[:before]...), b.structured...)
			message = message[before+len(object):]
			continue
		}
		out = postgres.AppendString(append(out, message[:i]...), b.text)
		message = message[i+len(token)+2:]
	}
}
