package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

// from is a client at an address of this machine: a caller of its own, where nobody has a token.
func from(t *testing.T, address string) *http.Client {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// ask gives the text of what a request is answered with.
func ask(client *http.Client, method, url, body string) string {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return fmt.Sprint(string(text), err)
}

func (s *site) query(client *http.Client, sql string) string {
	return s.tool(client, "query", map[string]string{"sql": sql, "format": "csv"})
}

func (s *site) tool(client *http.Client, name string, arguments map[string]string) string {
	body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": name, "arguments": arguments}})
	return ask(client, http.MethodPost, s.url+"/mcp", string(body))
}

// TestStatementThatNothingStops: a stopped process heeds no signal, as a long computation does not.
func TestStatementThatNothingStops(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	s := serveHTTP(t, environment("POSTGRES_STATEMENT_TIMEOUT_MS=2000"), "--transport", "streamable-http", "--conn", c.URL(), "--pool-max", "2")
	alice, bob := from(t, "127.0.0.1"), from(t, "127.0.0.2")
	second, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has no second address of its own: %v", err)
	}
	_ = second.Close()
	const ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'mcp-postgres'"
	answer := make(chan string, 1)
	go func() { answer <- s.query(alice, "SELECT pg_sleep(600) -- frozen") }()
	pid := 0
	waitFor(t, "the statement runs", func() bool {
		pid, _ = strconv.Atoi(pgtest.Value(t, c.AdminURL(), "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%-- frozen' AND pid <> pg_backend_pid()"))
		return pid != 0
	})
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	if got := <-answer; !strings.Contains(got, "57014") || !strings.Contains(got, "time limit of 2s") {
		t.Errorf("the call is answered with %s, want 57014", got)
	}
	for range 10 {
		if got := s.query(alice, "SELECT 1"); !strings.Contains(got, "PostgreSQL can't interrupt") || !strings.Contains(got, `"retryable":true`) {
			t.Errorf("another call of the caller = %s, want it refused, with the reason", got)
		}
		if got := s.query(bob, "SELECT 40 + 2"); !strings.Contains(got, "42") {
			t.Errorf("a call of another caller = %s, want the answer", got)
		}
		if got, _ := strconv.Atoi(pgtest.Value(t, c.AdminURL(), ours)); got > 2 {
			t.Errorf("the pool of 2 has %d backends", got)
		}
	}
	if got := ask(bob, http.MethodGet, s.url+"/readyz", ""); !strings.Contains(got, `"ready":true,"warnings":{"database":"backends that heed`) || strings.Contains(got, strconv.Itoa(pid)) {
		t.Errorf("/readyz = %s, want it ready, with a warning and no number of a process", got)
	}
	if got := ask(bob, http.MethodGet, s.url+"/metrics", ""); !strings.Contains(got, `mcp_postgres_pool_backends_stuck{pool="shared"} 1`) {
		t.Error("/metrics does not count the backend")
	}
	if got := s.tool(bob, "server_info", nil); !strings.Contains(got, fmt.Sprintf(`"pid":%d,"tool":"query"`, pid)) {
		t.Errorf("server_info = %s, want the backend", got)
	}
	_ = syscall.Kill(pid, syscall.SIGCONT)
	waitFor(t, "the caller is served again", func() bool { return strings.Contains(s.query(alice, "SELECT 40 + 2"), "42") })
	waitFor(t, "the warning is gone", func() bool {
		return !strings.Contains(ask(bob, http.MethodGet, s.url+"/readyz", ""), "warnings")
	})
}
