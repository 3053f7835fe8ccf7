package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/serve"
)

// TestDirect: what is answered without the library is what the library would have answered, up to the words of errors.
func TestDirect(t *testing.T) {
	results := map[string]func() (*mcp.CallToolResult, error){
		"two":        func() (*mcp.CallToolResult, error) { return texts("a,b\n1,\"2\"\n", "two rows <&>\u2028"), nil },
		"none":       func() (*mcp.CallToolResult, error) { return &mcp.CallToolResult{}, nil },
		"structured": func() (*mcp.CallToolResult, error) { return with(texts("x"), json.RawMessage(`{"a":[1,"é"]}`)), nil },
		"lines":      func() (*mcp.CallToolResult, error) { return with(texts("x"), json.RawMessage("{\n\"a\":\r1}")), nil },
		"value":      func() (*mcp.CallToolResult, error) { return with(texts("x"), map[string]any{"a": 1}), nil },
		"fault":      func() (*mcp.CallToolResult, error) { r := texts("no"); r.IsError = true; return r, nil },
		"meta": func() (*mcp.CallToolResult, error) {
			r := texts("x")
			r.Meta = mcp.NewMetaFromMap(map[string]any{"k": true})
			return r, nil
		},
		"annotated": func() (*mcp.CallToolResult, error) {
			text := mcp.NewTextContent("x")
			text.Annotations = &mcp.Annotations{Audience: []mcp.Role{mcp.RoleUser}}
			return &mcp.CallToolResult{Content: []mcp.Content{text}}, nil
		},
		"image": func() (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewImageContent("aGk=", "image/png")}}, nil
		},
		"error":  func() (*mcp.CallToolResult, error) { return nil, errors.New("it is late") },
		"faulty": func() (*mcp.CallToolResult, error) { return with(texts("x"), faulty{}), nil },
	}
	serving := func(offered func(context.Context, string) bool) *site {
		s := startServer(t, serve.Config{Offered: offered}, serve.HTTPConfig{})
		for name, result := range results {
			s.mcp.AddTool(mcp.NewTool(name), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { return result() })
		}
		return s
	}
	direct, library := serving(nil), serving(func(context.Context, string) bool { return false })
	messages := []string{
		call("1", "nope", "x"), call(`"a\u00e9"`, "echo", `<&>\n`), call("null", "echo", "x"), call("{}", "echo", "x"), call("1", "panic", "x"),
	}
	for name := range results {
		messages = append(messages, call("1.0", name, ""))
	}
	for _, params := range []string{
		`null`, `{}`, `[]`, `"x"`, `{"name":5}`, `{"name":null}`, `{"name":"echo"}`, `{"name":"echo","arguments":null}`, `{"name":"echo","arguments":[]}`,
		`{"name":"echo","arguments":{"text":"a"},"arguments":{"text":"b"}}`, `{"NAME":"echo","Arguments":{"text":"a"}}`,
		`{"name":"echo","_meta":null}`, `{"name":"echo","_meta":[]}`, `{"name":"echo","_meta":{"a":1}}`, `{"name":"echo","_meta":{"progressToken":1}}`,
		`{"name":"echo","task":{"ttl":1}}`, `{"name":"echo","requestId":1}`,
	} {
		messages = append(messages, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+`}`)
	}
	for _, rest := range []string{``, `"jsonrpc":"1.0",`, `"jsonrpc":2,`, `"jsonrpc":null,`, `"jsonrpc":"2.0","result":{},`, `"jsonrpc":"2.0","result":null,`} {
		messages = append(messages, `{`+rest+`"id":1,"method":"tools/call","params":{"name":"echo"}}`)
	}
	for _, twice := range []string{`{}`, `null`, `{"arguments":{"text":"b"}}`, `{"name":"two"}`} {
		messages = append(messages, `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}},"params":`+twice+`,"id":1}`)
	}
	for _, m := range messages {
		got, want := direct.post(m), library.post(m)
		if got.StatusCode != want.StatusCode {
			t.Errorf("%s = %d, want %d", m, got.StatusCode, want.StatusCode)
		}
		if diff := cmp.Diff(parsed(want.body), parsed(got.body)); diff != "" {
			t.Errorf("%s: answered otherwise than by the library (-want +got):\n%s", m, diff)
		}
	}
}

// faulty can't be written.
type faulty struct{}

func (faulty) MarshalJSON() ([]byte, error) { panic("no") }

// TestRevisionByMessage: a message says itself that it is of revision 2026-07-28, however it writes that, and not by mentioning it.
func TestRevisionByMessage(t *testing.T) {
	s, p := startServer(t, serve.Config{}, serve.HTTPConfig{}), stdio(t, serve.Config{})
	const meta = `"_meta":{"io.modelcontextprotocol\/protocolVersion":"VERSION","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}`
	for _, test := range []struct{ params, want string }{
		{strings.Replace(meta, "VERSION", "2026-07-28", 1), `"resultType":"complete"`},
		{strings.Replace(meta, "VERSION", "2099-01-01", 1), `"code":-32022`},
		{strings.Replace(meta, "VERSION", "2025-06-18", 1), `{"content":[{"type":"text","text":"hi"}]}`},
		{`"about":"io.modelcontextprotocol/protocolVersion"`, `{"content":[{"type":"text","text":"hi"}]}`},
	} {
		m := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"hi"},` + test.params + `}}`
		p.send(m)
		for name, got := range map[string]string{
			"stdio": p.next(), "HTTP": s.post(m, "Mcp-Method", "tools/call", "Mcp-Name", "echo", "Mcp-Protocol-Version", versionIn(test.params)).body,
		} {
			if !strings.Contains(got, test.want) {
				t.Errorf("%s: %s = %s, want %s", name, m, got, test.want)
			}
		}
	}
}

// versionIn is the version that params name, for the header.
func versionIn(params string) string {
	_, version, _ := strings.Cut(params, `protocolVersion":"`)
	version, _, _ = strings.Cut(version, `"`)
	return version
}

func texts(all ...string) *mcp.CallToolResult {
	r := &mcp.CallToolResult{}
	for _, text := range all {
		r.Content = append(r.Content, mcp.NewTextContent(text))
	}
	return r
}

func with(r *mcp.CallToolResult, structured any) *mcp.CallToolResult {
	r.StructuredContent = structured
	return r
}

// parsed is an answer without the words of its error.
func parsed(body string) any {
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return body
	}
	if e, ok := m["error"].(map[string]any); ok {
		delete(e, "message")
	}
	return m
}

// TestAround: what is put around tools is around both ways of calling one.
func TestAround(t *testing.T) {
	var around []string
	s := startServer(t, serve.Config{Around: func(next server.ToolHandlerFunc) server.ToolHandlerFunc {
		return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			around = append(around, req.Params.Name)
			return next(ctx, req)
		}
	}}, serve.HTTPConfig{})
	s.post(call("1", "echo", "x"))
	message, headers := modern("1", "tools/call", "big", "")
	s.post(message, headers...)
	if diff := cmp.Diff([]string{"echo", "big"}, around); diff != "" {
		t.Errorf("around the calls (-want +got):\n%s", diff)
	}
}
