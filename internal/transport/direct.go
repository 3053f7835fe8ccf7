package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// direct answers tools/call in its common form without the library, which reads such a message five times and its answer
// twice: an eighth of the work of a small call. The library answers everything else; then ok is false.
func (t *Transport) direct(ctx context.Context, s *server.MCPServer, m *envelope, message []byte, x *exchange) (answer []byte, ok bool) {
	if m.Method != string(mcp.MethodToolsCall) || m.odd || !m.request() || m.JSONRPC != mcp.JSONRPC_VERSION || bytes.Contains(message, metaVersion) {
		return nil, false
	}
	tool := s.GetTool(m.Params.Name)
	if tool == nil || !t.Offered(ctx, m.Params.Name) {
		return nil, false
	}
	var req mcp.CallToolRequest
	req.Method, req.Params.Name, req.Params.RawArguments = m.Method, m.Params.Name, m.Params.Arguments
	if m.Params.Meta != nil {
		var token struct{ ProgressToken json.RawMessage }
		if err := errors.Join(json.Unmarshal(m.Params.Meta, &req.Params.Meta), json.Unmarshal(m.Params.Meta, &token)); err != nil {
			return nil, false
		}
		if meta := req.Params.Meta; meta != nil && meta.ProgressToken != nil {
			meta.ProgressToken = token.ProgressToken // with all its digits
		}
	}
	res, err := t.around(tool.Handler)(ctx, req)
	if err != nil {
		return rpcError(m.ID, mcp.INTERNAL_ERROR, err.Error()), true
	}
	x.large.id, x.large.result = m.ID, res
	return nil, true
}

// metaVersion is in every message of revision 2026-07-28 or later.
var metaVersion = []byte(mcp.MetaKeyProtocolVersion)

// appendResult appends the answer with the id.
func appendResult(dst []byte, id json.RawMessage, res *mcp.CallToolResult) []byte {
	texts, structured, ok := plain(res)
	if !ok {
		b, err := json.Marshal(res)
		if err != nil {
			return append(dst, rpcError(id, mcp.INTERNAL_ERROR, "internal error")...)
		}
		return append(append(appendHead(dst, id), b...), '}')
	}
	size := len(structured) + len(id) + 128
	for _, text := range texts {
		size += len(text)*5/4 + 32
	}
	dst = append(appendHead(slices.Grow(dst, size), id), `{"content":[`...)
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(postgres.AppendString(append(dst, `{"type":"text","text":`...), text), '}')
	}
	dst = append(dst, ']')
	if res.IsError {
		dst = append(dst, `,"isError":true`...)
	}
	if structured != nil {
		dst = append(append(dst, `,"structuredContent":`...), structured...)
	}
	return append(dst, "}}"...)
}

func appendHead(dst []byte, id json.RawMessage) []byte {
	return append(append(append(dst, idStart...), id...), `,"result":`...)
}

// plain gives what a result of the common form holds: texts, and structured content that is on one line.
func plain(res *mcp.CallToolResult) (texts []string, structured json.RawMessage, ok bool) {
	structured, raw := res.StructuredContent.(json.RawMessage)
	if res.Meta != nil || res.StructuredContent != nil && !raw || bytes.ContainsAny(structured, "\r\n") {
		return nil, nil, false
	}
	for _, c := range res.Content {
		text, ok := c.(mcp.TextContent)
		if !ok || text.Meta != nil || text.Annotations != nil {
			return nil, nil, false
		}
		texts = append(texts, text.Text)
	}
	return texts, structured, true
}
