package serve_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/serve"
)

// TestIDs: an answer has the id as the client wrote it.
func TestIDs(t *testing.T) {
	s := startServer(t, serve.Config{}, serve.HTTPConfig{})
	p := stdio(t, serve.Config{})
	for _, id := range []string{"1", "-5", "1.5", `"x"`, `"12345678901234567890"`, "9007199254740993", "12345678901234567890", "-9223372036854775807"} {
		want := `"id":` + id + `,`
		message, headers := modern(id, "tools/call", "echo", "")
		p.send(call(id, "echo", "hi"))
		for name, got := range map[string]string{
			"streamable HTTP": s.post(call(id, "echo", "hi")).body, "2026-07-28": s.post(message, headers...).body,
			"an error": s.post(call(id, "nope", "hi")).body, "stdio": p.next(),
		} {
			if !strings.Contains(got, want) || !json.Valid([]byte(got)) {
				t.Errorf("%s: the answer is %s, want %s in it", name, got, want)
			}
		}
	}
	p.send(call("9007199254740993", "block", "one"), call("9007199254740992", "block", "two"))
	receive(t, "a call begins", p.tools.began)
	receive(t, "a call begins", p.tools.began)
	const cancel = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9007199254740993}}`
	p.send(cancel)
	if got := receive(t, "a call ends", p.tools.ended); got != "one" {
		t.Errorf("the call %s has been cancelled, want the one that was named", got)
	}
	p.tools.release <- struct{}{}
	session := []string{"Mcp-Session-Id", "S"}
	answers := []<-chan answer{
		s.inBackground(t.Context(), call("9007199254740993", "block", "one"), session...), s.inBackground(t.Context(), call("9007199254740992", "block", "two"), session...),
	}
	receive(t, "a call begins", s.tools.began)
	receive(t, "a call begins", s.tools.began)
	s.post(cancel, session...)
	if got := receive(t, "a call ends", s.tools.ended); got != "one" {
		t.Errorf("over HTTP the call %s has been cancelled, want the one that was named", got)
	}
	s.tools.release <- struct{}{}
	for _, a := range answers {
		receive(t, "the answer", a)
	}
}

// TestIDsOfRefusals: what can't be read is refused under its id only where that is plain to see.
func TestIDsOfRefusals(t *testing.T) {
	p := stdio(t, serve.Config{})
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	long := `"` + strings.Repeat("x", serve.MaxMessage) + `"`
	for message, want := range map[string]string{
		`{"jsonrpc":"2.0", "id": 77 ,"method":"x","params":` + deep + `}`:                         "77",
		`{"jsonrpc":"2.0","method":"x","id":"a\u0061","params":` + deep + `}`:                     `"a\u0061"`,
		`{"jsonrpc":"2.0","method":"x","params":{"id":77,"y":` + deep + `},"id":1}`:               "null",
		`{"jsonrpc":"2.0","method":"x","params":{"id":77,"y":` + deep + `}}`:                      "null",
		`{"jsonrpc":"2.0","id":77,"method":"x","params":` + long + `}`:                            "77",
		`{"jsonrpc":"2.0","id":"a` + "\t" + `b","method":"x","params":` + long + `}`:              "null",
		`{"jsonrpc":"2.0","id":5,"method":"notifications/cancelled","params":{"requestId":1}}`:    "5",
		`{"jsonrpc":"2.0","id":null,"method":"ping"}`:                                             "null",
		`{"jsonrpc":"2.0","id":"a\qb","method":"x","params":` + long + `}`:                        "null",
		`{"jsonrpc":"2.0","id":"a` + "\xff" + `","method":"x","params":` + long + `}`:             "null",
		`{"jsonrpc":"2.0","id":"a` + "\xff" + `","method":"tools/call","params":{"name":"echo"}}`: `"a` + "\ufffd" + `"`,
	} {
		p.send(message)
		if got := p.next(); !strings.HasPrefix(got, `{"jsonrpc":"2.0","id":`+want+`,`) || !json.Valid([]byte(got)) {
			t.Errorf("%.100s = %.200s, want the id %s", message, got, want)
		}
	}
	// Both calls of one id are cancelled.
	p.send(call("5", "block", "one"), call("5", "block", "two"))
	receive(t, "a call begins", p.tools.began)
	receive(t, "a call begins", p.tools.began)
	p.send(`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}`)
	receive(t, "a call ends", p.tools.ended)
	receive(t, "the other ends", p.tools.ended)
	p.silent("a cancelled call")
}
