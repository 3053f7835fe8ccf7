package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/test/pgtest"
)

// asProgram makes the test binary be the program itself, so that tests run what users run.
const asProgram = "RUN_AS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	forgetSettings()
	pgtest.Main(m)
}

// forgetSettings removes the server's settings from the environment: the tests give it theirs.
func forgetSettings() {
	for _, e := range os.Environ() {
		if isSetting(e) {
			name, _, _ := strings.Cut(e, "=")
			_ = os.Unsetenv(name) // fails for no name that is there
		}
	}
}

func isSetting(e string) bool {
	return strings.HasPrefix(e, "DATABASE_URL=") || strings.HasPrefix(e, "MCP_") || strings.HasPrefix(e, "POSTGRES_") || strings.HasPrefix(e, "OTEL_")
}

// environment is the tests' own without the settings that a test has set for itself.
func environment(extra ...string) []string {
	return append(slices.DeleteFunc(os.Environ(), isSetting), extra...)
}

func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(self(t), args...)
	cmd.Env = environment(append(env, asProgram+"=1")...)
	return cmd
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// cliResult is what one run of the program printed.
type cliResult struct {
	out, err string
	status   int
}

func cliRun(t *testing.T, env []string, args ...string) cliResult {
	t.Helper()
	cmd := command(t, env, args...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %v: %v", args, err)
	}
	return cliResult{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// session is a client on the program's stdin and stdout.
type session struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *bytes.Buffer
}

func startServer(t *testing.T, env []string, args ...string) *session {
	t.Helper()
	stderr := &bytes.Buffer{}
	s := talk(t, command(t, env, args...), stderr)
	s.stderr = stderr
	s.request(hello)
	s.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return s
}

const hello = `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

// talk starts a program that speaks the protocol on its stdin and stdout.
func talk(t *testing.T, cmd *exec.Cmd, stderr io.Writer) *session {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &session{t: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return s
}

func (s *session) send(line string) {
	s.t.Helper()
	if _, err := io.WriteString(s.in, line+"\n"); err != nil {
		s.t.Fatalf("writing to the server: %v\n%s", err, s.stderr)
	}
}

// message is one line of stdout, which must be the protocol's.
type message struct {
	JSONRPC string `json:"jsonrpc"`
	ID      any    `json:"id"`
	Result  struct {
		Tools []struct {
			Name         string
			InputSchema  json.RawMessage
			OutputSchema json.RawMessage
		}
		IsError           bool
		StructuredContent json.RawMessage
		Content           []struct{ Type, Text string }
	}
	Error *struct {
		Code    int
		Message string
	}
}

func (s *session) receive() message {
	s.t.Helper()
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		s.t.Fatalf("reading from the server: %v\n%s", err, s.stderr)
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil || m.JSONRPC != "2.0" {
		s.t.Fatalf("stdout carries %q, want only JSON-RPC", line)
	}
	return m
}

func (s *session) request(line string) message {
	s.t.Helper()
	s.send(line)
	return s.receive()
}

func (s *session) call(tool, args string) message {
	s.t.Helper()
	return s.request(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + args + `}}`)
}

// close ends the client's side and gives what came until the server ended, and its exit status.
func (s *session) close() (rest string, status int) {
	s.t.Helper()
	if err := s.in.Close(); err != nil {
		s.t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer timer.Stop()
	all, err := io.ReadAll(s.out)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait() // the status is what is looked at
	return string(all), s.cmd.ProcessState.ExitCode()
}
