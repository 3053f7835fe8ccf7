package serve

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"

	"mcp-postgres/internal/pgtext"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// body is a large answer that is kept away from the protocol library, which reads and copies each several times while it
// writes it: the library is given a token in its place, and the token is replaced on its way to the client. It is the
// text block, and the structured content, which may be nil.
type body struct {
	text       string
	structured json.RawMessage
	twice      bool // the structured content is the text

	result *plainResult // if set, all of the answer: the library has not seen it
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
	b.text = text.Text
	if b.twice = string(structured) == text.Text; !b.twice {
		b.structured = structured
	}
	res.Content = []mcp.Content{mcp.NewTextContent(token)}
	if isJSON {
		res.StructuredContent = json.RawMessage(object)
	}
}

// restore appends the message, with the answer in it where it has a token, or the answer alone.
func (b *body) restore(dst, message []byte) []byte {
	switch {
	case b != nil && b.result != nil:
		return b.result.append(dst)
	case b == nil || b.text == "" || len(message) >= smallBody:
		return append(dst, message...)
	}
	dst = slices.Grow(dst, len(message)+len(b.text)*5/4+len(b.structured))
	for {
		i := bytes.Index(message, []byte(`"`+token+`"`))
		if i < 0 {
			return append(dst, message...)
		}
		if before := i - len(`{"body":`); before >= 0 && bytes.HasPrefix(message[before:], []byte(object)) {
			dst = append(append(dst, message[:before]...), b.structured...)
			if b.twice {
				dst = append(dst, b.text...)
			}
			message = message[before+len(object):]
			continue
		}
		dst = pgtext.AppendJSON(append(dst, message[:i]...), b.text)
		message = message[i+len(token)+2:]
	}
}
