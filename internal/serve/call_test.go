package serve_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/serve"
	"mcp-postgres/registry"
)

// TestDirect: a call is answered as the library would have answered it, in both revisions and over both transports, up to the words
// of errors.
func TestDirect(t *testing.T) {
	ts := newTools()
	srv := ts.server(t, serve.Config{Databases: ts.with(t, ts.files(), registry.Config{})})
	s, p := ts.listen(t, srv, serve.HTTPConfig{}), ts.pipe(t, srv)
	library := httptest.NewServer(server.NewStreamableHTTPServer(srv.MCP(), server.WithStateLess(true), server.WithDisableStreaming(true)))
	defer library.Close()
	theirs := &site{t: t, url: library.URL}
	for _, message := range directMessages() {
		for _, modern := range []bool{false, true} {
			m, headers := message, []string(nil)
			if modern {
				m = strings.Replace(m, `"params":{`, `"params":{`+modernMeta+`,`, 1)
				headers = []string{"Mcp-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", nameIn(m)}
			}
			got, want := s.post(m, headers...), theirs.post(m, headers...)
			if got.StatusCode == 400 && strings.Contains(got.body, `"id":null`) {
				continue // it is no message: the library is not asked
			}
			if got.StatusCode != want.StatusCode {
				t.Errorf("%s = %d, want %d", m, got.StatusCode, want.StatusCode)
			}
			if modern && strings.Count(m, `"params"`) > 1 { // the library mixes them
				if !strings.Contains(want.body, `"error"`) || !strings.Contains(got.body, `"error"`) {
					t.Errorf("%s = %s, by the library %s, want that both refuse it", m, got.body, want.body)
				}
				continue
			}
			if diff := cmp.Diff(parsed(want.body), parsed(got.body)); diff != "" {
				t.Errorf("%s: answered otherwise than by the library (-want +got):\n%s", m, diff)
			}
			session := server.NewInProcessSession("x", nil)
			answer, err := json.Marshal(srv.MCP().HandleMessage(srv.MCP().WithContext(t.Context(), session), json.RawMessage(m)))
			if err != nil {
				t.Fatal(err)
			}
			if string(answer) == "null" {
				p.send(m)
				p.silent(m)
				continue
			}
			p.send(m)
			if diff := cmp.Diff(parsed(string(answer)), parsed(p.next())); diff != "" {
				t.Errorf("%s over stdio: answered otherwise than by the library (-want +got):\n%s", m, diff)
			}
		}
	}
}

// modernMeta is a member of the params of revision 2026-07-28.
const modernMeta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},` +
	`"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}`

// directMessages are calls of every kind.
func directMessages() []string {
	messages := []string{
		call("1", "nope", "x"), call(`"a\u00e9"`, "echo", `<&>\n`), call("null", "echo", "x"), call("{}", "echo", "x"), call("1", "echo", "x"),
	}
	for _, shape := range []string{"text", "error", "none", "down", "spoken", "lines"} {
		for _, format := range []string{"markdown", "json", "csv", "nope"} {
			messages = append(messages, `{"jsonrpc":"2.0","id":1.0,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT '`+
				shape+`'","format":"`+format+`"}}}`)
		}
		messages = append(messages, call("1.0", shape, ""))
	}
	for _, params := range []string{
		`null`, `{}`, `[]`, `"x"`, `{"name":5}`, `{"name":null}`, `{"name":"echo"}`, `{"name":"echo","arguments":null}`, `{"name":"echo","arguments":[]}`,
		`{"name":"echo","arguments":{"text":"a"},"arguments":{"text":"b"}}`, `{"NAME":"echo","Arguments":{"text":"a"}}`,
		`{"name":"echo","_meta":null}`, `{"name":"echo","_meta":[]}`, `{"name":"echo","_meta":{"a":1}}`, `{"name":"echo","_meta":{"progressToken":1}}`,
		`{"name":"echo","task":{"ttl":1}}`, `{"name":"echo","requestId":1}`, `{"name":"echo","uri":"x"}`,
		`{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}`,
		`{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":5}}`,
		`{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":5,"io.modelcontextprotocol/clientCapabilities":{}}}`,
		`{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}}}`,
	} {
		messages = append(messages, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":`+params+`}`)
	}
	for _, rest := range []string{``, `"jsonrpc":"1.0",`, `"jsonrpc":2,`, `"jsonrpc":null,`, `"jsonrpc":"2.0","result":{},`, `"jsonrpc":"2.0","result":null,`} {
		messages = append(messages, `{`+rest+`"id":1,"method":"tools/call","params":{"name":"echo"}}`)
	}
	for _, twice := range []string{`{}`, `null`, `{"arguments":{"text":"b"}}`, `{"name":"two"}`} {
		messages = append(messages, `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"text":"a"}},"params":`+twice+`,"id":1}`)
	}
	return messages
}

// nameIn is the name that a message has for its header.
func nameIn(message string) string {
	var m struct{ Params struct{ Name string } }
	_ = json.Unmarshal([]byte(message), &m) // then it has none
	return m.Params.Name
}

// TestRevisionByMessage: a message says itself that it is of revision 2026-07-28, however it writes that, and not by mentioning it.
func TestRevisionByMessage(t *testing.T) {
	s, p := startServer(t, serve.Config{}, serve.HTTPConfig{}), stdio(t, serve.Config{})
	const meta = `"_meta":{"io.modelcontextprotocol\/protocolVersion":"VERSION","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}`
	for _, test := range []struct{ params, want string }{
		{strings.Replace(meta, "VERSION", "2026-07-28", 1), `"resultType":"complete"`},
		{strings.Replace(meta, "VERSION", "2099-01-01", 1), `"code":-32022`},
		{strings.Replace(meta, "VERSION", "2025-06-18", 1), `{"content":[{"type":"text","text":"{\"text\":\"hi\"}"}],"structuredContent":{"text":"hi"}}`},
		{`"about":"io.modelcontextprotocol/protocolVersion"`, `{"content":[{"type":"text","text":"{\"text\":\"hi\"}"}],"structuredContent":{"text":"hi"}}`},
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

// parsed is an answer without the words of its error, and without the id of what is no JSON-RPC.
func parsed(body string) any {
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return body
	}
	if e, ok := m["error"].(map[string]any); ok {
		if delete(e, "message"); e["code"] == -32700.0 {
			delete(m, "id")
		}
	}
	return m
}

// TestRecords: each call is recorded once, whatever the revision.
func TestRecords(t *testing.T) {
	var lines bytes.Buffer
	audit, err := observe.OpenAudit("stderr", false, &lines, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := observe.Observer{Audit: audit}
	ts := newTools()
	s := ts.listen(t, ts.server(t, serve.Config{Observer: o, Databases: ts.with(t, ts.files(), registry.Config{Observer: o})}), serve.HTTPConfig{})
	s.post(call("1", "echo", "x"))
	message, headers := modern("1", "tools/call", "echo", "")
	s.post(message, headers...)
	s.post(call("1", "nope", "x"))
	var got []string
	for line := range strings.Lines(lines.String()) {
		var m struct{ Tool, Outcome, Code string }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Tool+" "+m.Outcome+" "+m.Code)
	}
	if diff := cmp.Diff([]string{"echo ok ", "echo ok ", "nope refused unknown_tool"}, got); diff != "" {
		t.Errorf("the audit (-want +got):\n%s", diff)
	}
}
