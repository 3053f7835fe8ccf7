package serve

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/registry"
)

// maxMessage bounds one message of a client, in bytes.
const maxMessage = 4 << 20

// envelope has the parts of a message that decide what becomes of it.
type envelope struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Params  params          `json:"params"`
}

// params are those of a cancellation, of a call, and of what is about a resource or a prompt.
type params struct {
	RequestID json.RawMessage `json:"requestId"`
	Name      string          `json:"name"`
	RawMeta   json.RawMessage `json:"_meta"`

	registry.Place

	meta *mcp.Meta
	odd  bool // they do not have the form that the protocol wants
}

// UnmarshalJSON implements json.Unmarshaler. If a message has params twice, the last ones count as a whole and are not
// merged with the first.
func (p *params) UnmarshalJSON(b []byte) error {
	type plain params
	*p = params{}
	err := json.Unmarshal(b, (*plain)(p))
	if p.RawMeta != nil {
		err = errors.Join(err, json.Unmarshal(p.RawMeta, &p.meta))
	}
	p.odd = err != nil // the library says so, with the id, which may come after the params
	return nil
}

// modern reports whether the message says itself that it is of revision 2026-07-28 or later.
func (p *params) modern() bool { return mcp.IsModernProtocol(p.meta.ProtocolVersion()) }

// progressToken is the token with all its digits; nil for none.
func (p *params) progressToken() json.RawMessage {
	if p.meta == nil || p.meta.ProgressToken == nil {
		return nil
	}
	var meta struct{ ProgressToken json.RawMessage }
	_ = json.Unmarshal(p.RawMeta, &meta) // it has been read once
	return meta.ProgressToken
}

// request says whether the message wants an answer.
func (e *envelope) request() bool { return e.Method != "" && given(e.ID) && !given(e.Result) }

// cancels says whether the message cancels a request.
func (e *envelope) cancels() bool {
	return e.Method == string(mcp.MethodNotificationCancelled) && !given(e.ID)
}

func given(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

// open reads the envelope of a message. If the message can't be one, the answer says so.
func open(message []byte) (e envelope, refused *response) {
	err := json.Unmarshal(message, &e)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.Contains(syntax.Error(), "max depth"):
		return e, fail(idIn(message), mcp.INVALID_REQUEST, "the message is nested too deeply")
	case errors.As(err, &syntax):
		return e, fail(nil, mcp.PARSE_ERROR, "the message is not valid JSON")
	case err != nil && message[0] == '[':
		return e, fail(nil, mcp.INVALID_REQUEST, "batches are not supported: send each message by itself")
	case err != nil && e.Method == "":
		return e, fail(e.ID, mcp.INVALID_REQUEST, "the message is not a JSON-RPC request, notification or response")
	case e.Method != "" && len(e.ID) > 0 && strings.IndexByte(`"-0123456789`, e.ID[0]) < 0: // null is not allowed either
		return e, fail(nil, mcp.INVALID_REQUEST, "the id of a request must be a string or a number")
	}
	e.ID = bytes.ToValidUTF8(e.ID, []byte("\ufffd")) // it goes back as it came
	return e, nil
}

// tooLong refuses a message, of which start has come.
func tooLong(start []byte) *response {
	return fail(idIn(start), mcp.INVALID_REQUEST, fmt.Sprintf("the message is more than the maximum %d bytes", maxMessage))
}

// idIn is the id of a message that can't be read, if its start shows it: after nothing but members that are strings.
func idIn(start []byte) json.RawMessage {
	if m := requestID.FindSubmatch(start[:min(len(start), 1024)]); m != nil && json.Valid(m[1]) && utf8.Valid(m[1]) {
		return m[1]
	}
	return nil
}

var requestID = regexp.MustCompile(`^\s*\{\s*(?:"[^"\\]*"\s*:\s*"[^"\\]*"\s*,\s*)*` +
	`"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+)\s*[,}]`)

// idKey writes an id in one form, for the client may write the same one in several.
func idKey(id json.RawMessage) string {
	if len(id) >= maxExact && id[0] != '"' {
		return string(id) // two of these could be one as floats
	}
	var v any
	if json.Unmarshal(id, &v) != nil {
		return string(id)
	}
	key, err := json.Marshal(v)
	if err != nil {
		return string(id)
	}
	return string(key)
}

// maxExact is the number of digits from which a float may not have all of them.
const maxExact = 16

// notification is what the server sends without being asked.
type notification struct {
	JSONRPC string         `json:"jsonrpc"`
	Method  string         `json:"method"`
	Params  map[string]any `json:"params,omitempty"`
}

// quoted is a text of a client for a message, shortened.
func quoted(s string) string { return `"` + pgtext.Shorten(s, 100) + `"` }

// outgoing is a message to a client that is encoded when it is written: of large answers one at a time takes its
// memory twice.
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

// failure is the response that has an error of the library. q.err is its cause; it has none where the library refuses
// the form of a message.
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
		r.err.Message = "the cursor is not one of this server: want the nextCursor of the page before, " +
			"or none for the first page"
	case errors.Is(err, server.ErrToolNotFound):
		r.err.Message = s.Databases.UnknownTool(ctx, q.Params.Name)
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
	case mcp.HEADER_MISMATCH, mcp.MISSING_REQUIRED_CLIENT_CAPABILITY, mcp.UNSUPPORTED_PROTOCOL_VERSION,
		mcp.INVALID_REQUEST, mcp.INVALID_PARAMS, mcp.PARSE_ERROR:
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
