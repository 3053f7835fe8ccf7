package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// libraryWords finds errors in the words of the libraries below, which name types of Go.
var libraryWords = regexp.MustCompile(`Go struct|Go value|json: |base64|unparsable|panic|strconv`)

// unknownTool is how the library words that error.
var unknownTool = regexp.MustCompile(`^tool '(?s:(.*))' not found: tool not found$`)

// unknownOther is how it words the errors for prompts and resources.
var unknownOther = regexp.MustCompile(`^(prompt|handler not found for resource URI) '(?s:(.*))'(?: not found)?: (prompt|resource) not found$`)

// idStart is how the library begins the answer to a request.
var idStart = []byte(`{"jsonrpc":"2.0","id":`)

// withID gives an answer the id as the client wrote it: the library reads numbers as floats, and loses digits of long ones.
func withID(message []byte, id json.RawMessage) []byte {
	rest, ok := bytes.CutPrefix(message, idStart)
	end := bytes.IndexByte(rest, ',')
	if !ok || end < 0 || len(id) < maxExact || id[0] == '"' || rest[0] == '"' || rest[0] == 'n' {
		return message
	}
	return slices.Concat(idStart, id, rest[end:])
}

// maxExact is the number of digits from which a float may not have all of them.
const maxExact = 16

// plainWords rewords an error of the library; every other message stays as it is.
func (t *Transport) plainWords(ctx context.Context, message []byte) []byte {
	if len(message) > 4096 || !bytes.Contains(message, []byte(`"error":{"code":`)) {
		return message
	}
	var m struct {
		ID    json.RawMessage `json:"id"`
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(message, &m) != nil || m.Error == nil {
		return message
	}
	x := exchangeFrom(ctx)
	name, other := unknownTool.FindStringSubmatch(m.Error.Message), unknownOther.FindStringSubmatch(m.Error.Message)
	switch {
	case other != nil && other[3] == "resource":
		return about(rpcError(m.ID, m.Error.Code, "unknown resource "+quoted(other[2])), other[2])
	case other != nil:
		return rpcError(m.ID, m.Error.Code, "unknown prompt "+quoted(other[2]))
	case x.code != 0:
		return about(rpcError(m.ID, x.code, m.Error.Message), x.about)
	case name != nil && t.UnknownTool != nil:
		return rpcError(m.ID, m.Error.Code, t.UnknownTool(ctx, name[1]))
	case libraryWords.MatchString(m.Error.Message):
		return rpcError(m.ID, m.Error.Code, "the params do not have the form that this method wants")
	case m.Error.Message == context.Canceled.Error():
		return rpcError(m.ID, m.Error.Code, "the request was cancelled")
	}
	return message
}

// about adds the URI of a resource to an error; clients may read it there.
func about(message []byte, uri string) []byte {
	text, err := json.Marshal(uri)
	if uri == "" || err != nil {
		return message
	}
	return fmt.Appendf(bytes.TrimSuffix(message, []byte("}}")), `,"data":{"uri":%s}}}`, text)
}

// rpcError is a JSON-RPC error. An id that is not known is null.
func rpcError(id json.RawMessage, code int, message string) []byte {
	if len(id) == 0 {
		id = []byte("null")
	}
	text, err := json.Marshal(message)
	if err != nil {
		text = []byte(`"invalid message"`)
	}
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s}}`, id, code, text)
}

// envelope is what the transports read of a message.
type envelope struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Params  params          `json:"params"`
}

// params are those of a cancellation, and of a tool.
type params struct {
	RequestID json.RawMessage `json:"requestId"`
	Name      string          `json:"name"`
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
	if err == nil && p.RawMeta != nil {
		err = json.Unmarshal(p.RawMeta, &p.meta)
	}
	p.odd = err != nil // the library says so, with the id, which may come after the params
	return nil
}

// modern reports whether the message says itself that it is of revision 2026-07-28 or later.
func (p *params) modern() bool { return mcp.IsModernProtocol(p.meta.ProtocolVersion()) }

// request says whether the message wants an answer.
func (e *envelope) request() bool { return e.Method != "" && given(e.ID) }

// notification says whether the message is one.
func (e *envelope) notification() bool { return e.Method != "" && !given(e.ID) }

// cancels says whether the message cancels a request.
func (e *envelope) cancels() bool {
	return e.Method == string(mcp.MethodNotificationCancelled) && e.notification()
}

func given(value json.RawMessage) bool { return len(value) > 0 && string(value) != "null" }

// open reads the envelope of a message. If the message can't be one, the answer says so.
func open(message []byte) (e envelope, refused []byte) {
	err := json.Unmarshal(message, &e)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.Contains(syntax.Error(), "max depth"):
		return e, rpcError(idIn(message), mcp.INVALID_REQUEST, "the message is nested too deeply")
	case errors.As(err, &syntax):
		return e, rpcError(nil, mcp.PARSE_ERROR, "the message is not valid JSON")
	case err != nil && message[0] == '[':
		return e, rpcError(nil, mcp.INVALID_REQUEST, "batches are not supported: send each message by itself")
	case err != nil && e.Method == "":
		return e, rpcError(e.ID, mcp.INVALID_REQUEST, "the message is not a JSON-RPC request, notification or response")
	case e.Method != "" && len(e.ID) > 0 && strings.IndexByte(`"-0123456789`, e.ID[0]) < 0: // also null, which MCP does not allow
		return e, rpcError(nil, mcp.INVALID_REQUEST, "the id of a request must be a string or a number")
	}
	e.ID = bytes.ToValidUTF8(e.ID, []byte("\ufffd")) // it goes back as it came
	return e, nil
}

// tooLong refuses a message.
func tooLong(start []byte) []byte {
	return rpcError(idIn(start), mcp.INVALID_REQUEST, fmt.Sprintf("the message is more than the maximum %d bytes", maxMessage))
}

// idIn is the id of a message that can't be read, if its start shows it: after nothing but members that are strings.
func idIn(start []byte) json.RawMessage {
	if m := requestID.FindSubmatch(start[:min(len(start), 1024)]); m != nil && json.Valid(m[1]) && utf8.Valid(m[1]) {
		return m[1]
	}
	return nil
}

var requestID = regexp.MustCompile(`^\s*\{\s*(?:"[^"\\]*"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9]+)\s*[,}]`)
