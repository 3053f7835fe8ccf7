package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"mcp-postgres/internal/serve"
)

// pipe is a client on pipes.
type pipe struct {
	t     *testing.T
	tools *tools
	in    *io.PipeWriter
	out   *bufio.Scanner
	stop  context.CancelFunc
	ended chan error
}

func stdio(t *testing.T, c serve.Config) *pipe {
	t.Helper()
	ts := newTools()
	return ts.pipe(t, ts.server(t, c))
}

func (ts *tools) pipe(t *testing.T, s *serve.Server) *pipe {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	p := &pipe{t, ts, inW, bufio.NewScanner(outR), cancel, make(chan error, 1)}
	p.out.Buffer(nil, 8<<20)
	go func() {
		p.ended <- s.Stdio(ctx, inR, outW)
		outW.Close()
	}()
	t.Cleanup(func() { inW.Close() })
	return p
}

func (p *pipe) send(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, strings.Join(lines, "\n")+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pipe) next() string {
	if !p.out.Scan() {
		return ""
	}
	return p.out.Text()
}

// silent fails the test if there is an answer before that to a ping.
func (p *pipe) silent(what string) {
	p.t.Helper()
	p.send(ping)
	if got := p.next(); !strings.Contains(got, `"id":"ping"`) {
		p.t.Errorf("%s = %s, want no answer", what, got)
	}
}

const ping = `{"jsonrpc":"2.0","id":"ping","method":"ping"}`

func TestStdioNeverFreezes(t *testing.T) {
	p := stdio(t, serve.Config{Slots: 2})
	// More calls than may be in flight: those beyond are refused, and reading goes on.
	go func() {
		for i := range 10_001 {
			p.send(call(fmt.Sprint(i), "block", "x"))
		}
		p.send(ping, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}`)
	}()
	if got := p.next(); !strings.Contains(got, `"id":10000`) || !strings.Contains(got, "try again") {
		t.Errorf("a call too many = %s", got)
	}
	if got := p.next(); !strings.Contains(got, `"id":"ping","result":{}`) {
		t.Errorf("ping = %s", got)
	}
	receive(t, "a call begins", p.tools.began)
	receive(t, "the cancelled call ends", p.tools.ended)
	p.silent("a cancelled call")
}

func TestStdioDrains(t *testing.T) {
	for name, end := range map[string]func(p *pipe){
		"end of input": func(p *pipe) { p.in.Close() },
		"signal":       func(p *pipe) { p.stop() },
	} {
		p := stdio(t, serve.Config{})
		p.send(call("1", "block", "late"))
		receive(t, "the call begins", p.tools.began)
		end(p)
		p.tools.release <- struct{}{}
		if got := p.next(); !strings.Contains(got, "released late") {
			t.Errorf("%s: a call in flight = %q, want its answer", name, got)
		}
		if err := receive(t, "the end", p.ended); err != nil {
			t.Errorf("%s: Stdio = %v", name, err)
		}
		// One that takes longer is cancelled.
		p = stdio(t, serve.Config{})
		p.send(call("1", "block", "endless"))
		receive(t, "the call begins", p.tools.began)
		end(p)
		receive(t, "the call ends", p.tools.ended)
		for p.next() != "" {
		}
		if err := receive(t, "the end", p.ended); err != nil {
			t.Errorf("%s: Stdio = %v", name, err)
		}
	}
}

func TestStdioProgress(t *testing.T) {
	p := stdio(t, serve.Config{})
	p.send(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":"tok"},"name":"block","arguments":{"text":"p"}}}`)
	if got := p.next(); !strings.Contains(got, `"progressToken":"tok"`) {
		t.Errorf("the first message = %s, want progress", got)
	}
	p.tools.release <- struct{}{}
	got := p.next()
	for strings.Contains(got, "notifications/progress") {
		got = p.next()
	}
	if !strings.Contains(got, "released p") {
		t.Errorf("then = %s, want the answer", got)
	}
}

func TestStdioInput(t *testing.T) {
	p := stdio(t, serve.Config{})
	for _, test := range []struct{ line, want string }{
		{"\n\n" + ping, `"result":{}`},
		{"{", "-32700"},
		{"[" + ping + "]", "batches"},
		{strings.Repeat("x", serve.MaxMessage+1), "more than the maximum 4194304 bytes"},
		{panics, `"message":"internal error"`},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}`, "form that this method wants"},
		{ping + "\r", `"result":{}`},
	} {
		p.send(test.line)
		if got := p.next(); !strings.Contains(got, test.want) {
			t.Errorf("%.60q = %s, want %s", test.line, got, test.want)
		}
	}
}

func TestStdioSubscriptions(t *testing.T) {
	listen, _ := modern(`"sub"`, "subscriptions/listen", "", `"notifications":{"toolsListChanged":true},`)
	for _, test := range []struct {
		name  string
		lines []string
		told  bool
		tag   bool
	}{
		{"initialize", []string{initialize}, true, false},
		{"2026-07-28", []string{listen}, true, true},
		{"2026-07-28 without a subscription", []string{strings.Replace(listen, `"toolsListChanged":true`, "", 1)}, false, false},
	} {
		ts := newTools()
		s := ts.server(t, serve.Config{})
		p := ts.pipe(t, s)
		for _, line := range test.lines {
			p.send(line)
			if got := p.next(); line == listen && !strings.Contains(got, "acknowledged") {
				t.Errorf("%s: the first message is %s, want the acknowledgement", test.name, got)
			}
		}
		if test.name == "initialize" {
			p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`, ping)
			p.next()
		}
		if !test.told {
			p.next() // the end of a subscription to nothing
		}
		s.MCP().DeleteTools("panic")
		if discover, _ := modern(`"after"`, "server/discover", "", ""); !test.told {
			p.send(discover)
		}
		got := p.next()
		if told := strings.Contains(got, "list_changed"); told != test.told || strings.Contains(got, `"sub"`) != test.tag {
			t.Errorf("%s: %s", test.name, got)
		}
	}
}
