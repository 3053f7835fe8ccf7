package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"mcp-postgres/internal/pgtext"

	"github.com/mark3labs/mcp-go/mcp"
)

// direct answers tools/call in its common form without the library, which reads such a message five times and its answer
// twice: an eighth of the work of a small call. The library answers everything else; then ok is false.
func (t *Transport) direct(ctx context.Context, m *envelope, x *exchange) (answer []byte, ok bool) {
	if m.Method != string(mcp.MethodToolsCall) || m.Params.odd || m.Params.modern() || !m.request() || given(m.Result) || m.JSONRPC != mcp.JSONRPC_VERSION {
		return nil, false
	}
	tool := x.server.GetTool(m.Params.Name)
	if tool == nil || !t.Offered(ctx, m.Params.Name) {
		return nil, false
	}
	var req mcp.CallToolRequest
	req.Method, req.Params.Name, req.Params.RawArguments = m.Method, m.Params.Name, m.Params.Arguments
	if req.Params.Meta = m.Params.meta; req.Params.Meta != nil && req.Params.Meta.ProgressToken != nil {
		req.Params.Meta.ProgressToken = m.Params.progressToken()
	}
	res, err := t.around(tool.Handler)(ctx, req)
	if err != nil {
		return rpcError(m.ID, mcp.INTERNAL_ERROR, err.Error()), true
	}
	if p := plain(res); p != nil {
		p.id = m.ID
		x.large.result = p
		return nil, true
	}
	b, err := json.Marshal(res)
	if err != nil || res == nil {
		return rpcError(m.ID, mcp.INTERNAL_ERROR, "internal error"), true
	}
	return append(append(appendHead(nil, m.ID), b...), '}'), true
}

// progressToken is the token with all its digits.
func (p *params) progressToken() json.RawMessage {
	var meta struct{ ProgressToken json.RawMessage }
	_ = json.Unmarshal(p.RawMeta, &meta) // it has been read once
	return meta.ProgressToken
}

// plainResult is a result of the common form: texts, and structured content that is on one line. Nothing can go wrong any more
// when it is written.
type plainResult struct {
	id         json.RawMessage
	texts      []string
	structured json.RawMessage
	isError    bool
}

// plain is nil for a result of another form.
func plain(res *mcp.CallToolResult) *plainResult {
	if res == nil || res.Meta != nil {
		return nil
	}
	structured, raw := res.StructuredContent.(json.RawMessage)
	if res.StructuredContent != nil && (!raw || len(structured) == 0) || bytes.ContainsAny(structured, "\r\n") {
		return nil
	}
	p := &plainResult{structured: structured, isError: res.IsError}
	for _, c := range res.Content {
		text, ok := c.(mcp.TextContent)
		if !ok || text.Meta != nil || text.Annotations != nil {
			return nil
		}
		p.texts = append(p.texts, text.Text)
	}
	return p
}

// append appends the answer.
func (p *plainResult) append(dst []byte) []byte {
	size := len(p.structured) + len(p.id) + 128
	for _, text := range p.texts {
		size += len(text)*5/4 + 32
	}
	dst = append(appendHead(slices.Grow(dst, size), p.id), `{"content":[`...)
	for i, text := range p.texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(pgtext.AppendJSON(append(dst, `{"type":"text","text":`...), text), '}')
	}
	dst = append(dst, ']')
	if p.isError {
		dst = append(dst, `,"isError":true`...)
	}
	if p.structured != nil {
		dst = append(append(dst, `,"structuredContent":`...), p.structured...)
	}
	return append(dst, "}}"...)
}

func appendHead(dst []byte, id json.RawMessage) []byte {
	return append(append(append(dst, idStart...), id...), `,"result":`...)
}
