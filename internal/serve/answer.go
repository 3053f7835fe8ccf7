package serve

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/registry"
)

// outgoing is a message to a client that is encoded when it is written: of large answers one at a time takes its memory twice.
type outgoing interface {
	appendTo(dst []byte) []byte
}

// encoded is a message that has been encoded.
type encoded []byte

func (e encoded) appendTo(dst []byte) []byte { return append(dst, e...) }

// response is the answer to a request. It has an answer of a tool, a result of the library or an error.
type response struct {
	id     json.RawMessage
	answer *registry.Answer
	info   json.RawMessage // of the server, from revision 2026-07-28 on
	result json.RawMessage
	err    *rpcError

	panicked bool
}

// rpcError is an error of JSON-RPC.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// fail is the response that is an error. An id that is not known is null.
func fail(id json.RawMessage, code int, message string) *response {
	return &response{id: id, err: &rpcError{Code: code, Message: message}}
}

// answered is the response that has the answer of a tool.
func (s *Server) answered(q *request, a *registry.Answer) *response {
	r := &response{id: q.ID, answer: a}
	if q.modern {
		r.info = s.info
	}
	return r
}

// result is the response that has a result of the library.
func (s *Server) result(ctx context.Context, q *request, result any) *response {
	b, err := json.Marshal(result)
	if err != nil {
		s.Logger.ErrorContext(ctx, "answer not written", "error", err)
		return fail(q.ID, mcp.INTERNAL_ERROR, "internal error")
	}
	return &response{id: q.ID, result: b}
}

// failure is the response that has an error of the library. q.err is its cause; it has none where the library refuses the form of
// a message.
func (s *Server) failure(ctx context.Context, q *request, e mcp.JSONRPCErrorDetails) *response {
	r := fail(q.ID, e.Code, e.Message)
	r.err.Data = e.Data
	var unparsable *server.UnparsableMessageError
	var cursor base64.CorruptInputError
	var missing registry.Missing
	switch err := q.err; {
	case err == nil:
	case errors.As(err, &unparsable):
		r.err.Message = "the params do not have the form that this method wants"
	case errors.As(err, &cursor):
		r.err.Message = "the cursor is none of this server: want the nextCursor of the page before, or none for the first page"
	case errors.Is(err, server.ErrToolNotFound):
		r.err.Message = s.Registry.UnknownTool(ctx, q.Params.Name)
	case errors.Is(err, server.ErrPromptNotFound):
		r.err.Message = "unknown prompt " + quoted(q.Params.Name)
	case errors.Is(err, server.ErrResourceNotFound):
		if !errors.As(err, &missing) {
			r.err.Message = "unknown resource " + quoted(q.Params.URI)
		}
		if r.err.Code = mcp.RESOURCE_NOT_FOUND; q.modern { // which revision 2026-07-28 has changed (SEP-2164)
			r.err.Code = mcp.INVALID_PARAMS
		}
		r.err.Data = map[string]string{"uri": q.Params.URI}
	case errors.Is(err, context.Canceled):
		r.err.Message = "the request was cancelled"
	case q.Method == string(mcp.MethodPromptsGet): // its arguments don't fit
		r.err.Code = mcp.INVALID_PARAMS
	}
	return r
}

// status is that of the response over HTTP.
func (r *response) status(modern bool) int {
	switch {
	case r.panicked:
		return http.StatusInternalServerError
	case r.err == nil || !modern:
		return http.StatusOK
	}
	switch r.err.Code {
	case mcp.METHOD_NOT_FOUND:
		return http.StatusNotFound
	case mcp.HEADER_MISMATCH, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, mcp.UNSUPPORTED_PROTOCOL_VERSION, mcp.INVALID_REQUEST,
		mcp.INVALID_PARAMS, mcp.PARSE_ERROR:
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// appendTo implements outgoing. It is the one encoder of answers, for all revisions and transports.
func (r *response) appendTo(dst []byte) []byte {
	id := r.id
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	dst = append(slices.Grow(dst, r.size()), `{"jsonrpc":"2.0","id":`...)
	dst = append(dst, id...)
	switch {
	case r.answer != nil:
		dst = r.appendAnswer(append(dst, `,"result":`...))
	case r.err != nil:
		dst = appendJSON(append(dst, `,"error":`...), r.err)
	default:
		dst = append(append(dst, `,"result":`...), r.result...)
	}
	return append(dst, '}')
}

// size is a guess.
func (r *response) size() int {
	n := len(r.id) + len(r.result) + 512
	if r.answer != nil {
		n += len(r.answer.JSON)
		for _, text := range r.answer.Texts {
			n += len(text)*5/4 + 32
		}
	}
	return n
}

// oneLine replaces line ends, which a message must not have. JSON has them between its tokens only.
func oneLine(json string) string {
	if strings.IndexByte(json, '\n') < 0 && strings.IndexByte(json, '\r') < 0 {
		return json
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(json)
}

func (r *response) appendAnswer(dst []byte) []byte {
	a := r.answer
	dst = append(dst, `{"content":[`...)
	for i, text := range a.Texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(pgtext.AppendJSON(append(dst, `{"type":"text","text":`...), text), '}')
	}
	dst = append(dst, ']')
	if a.Err != nil {
		dst = append(dst, `,"isError":true`...)
	}
	if a.JSON != "" {
		dst = append(append(dst, `,"structuredContent":`...), oneLine(a.JSON)...)
	}
	member := `,"_meta":{"`
	if r.info != nil {
		dst = append(append(append(dst, `,"resultType":"complete"`...), member...), mcp.MetaKeyServerInfo+`":`...)
		dst, member = append(dst, r.info...), `,"`
	}
	for key, value := range a.Meta() {
		dst = appendJSON(append(append(append(dst, member...), key...), `":`...), value)
		member = `,"`
	}
	if member == `,"` {
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendJSON appends what can always be written.
func appendJSON(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(dst, b...)
}
