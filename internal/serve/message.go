package serve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// maxMessage bounds one message of a client, in bytes.
const maxMessage = 4 << 20

// envelope is what is read of a message to find its way.
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
	URI       string          `json:"uri"`
	Arguments json.RawMessage `json:"arguments"`
	RawMeta   json.RawMessage `json:"_meta"`

	meta *mcp.Meta
	odd  bool // they have another form
}

// UnmarshalJSON implements json.Unmarshaler. Of several params the last ones count, as a whole: nobody must read a call out of two.
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

// notification says whether the message is one.
func (e *envelope) notification() bool { return e.Method != "" && !given(e.ID) }

// cancels says whether the message cancels a request.
func (e *envelope) cancels() bool {
	return e.Method == string(mcp.MethodNotificationCancelled) && e.notification()
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
	case e.Method != "" && len(e.ID) > 0 && strings.IndexByte(`"-0123456789`, e.ID[0]) < 0: // also null, which MCP does not allow
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

var requestID = regexp.MustCompile(`^\s*\{\s*(?:"[^"\\]*"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+)\s*[,}]`)

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

// quoted shows what a client sent, in short.
func quoted(s string) string {
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return `"` + s + `"`
}
