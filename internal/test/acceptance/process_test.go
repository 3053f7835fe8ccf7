package acceptance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/test/pgtest"
)

const (
	// patience is what a call may take before it counts as hanging, on a busy machine.
	patience = 60 * time.Second
	// mostMemory is what the program may ever have held in memory, in kB.
	mostMemory = 512 << 10
)

const running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"

// TestProgram sends what is expensive, and all attacks, to the built program: it must neither end, nor hang, nor grow.
func TestProgram(t *testing.T) {
	w := newWorld(t)
	p := startProgram(t, "DATABASE_URL="+w.url, "POSTGRES_READONLY=true", "POSTGRES_STATEMENT_TIMEOUT_MS=1000")
	before := w.look(t)
	for _, c := range append(load(t, "limits/*.yaml"), load(t, "readonly/*.yaml")...) {
		t.Run(c.Name, func(t *testing.T) {
			if !w.fits(t, c) {
				t.Skip("not for this version of PostgreSQL")
			}
			got := p.call(t, c.Tool, c.arguments(t, w.fill))
			for _, fault := range c.judge(got, walls{guard: true, transaction: true}) {
				t.Error(fault)
			}
		})
	}
	for _, change := range changes(before, w.look(t)) {
		t.Errorf("changed: %s", change)
	}
	for end := time.Now().Add(patience); pgtest.Value(t, w.url, running) != "0"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("statements of calls that have been answered go on")
		}
	}
	if most := p.peak(t); most > mostMemory {
		t.Errorf("the program held %d kB at most, want at most %d", most, mostMemory)
	} else {
		t.Logf("the program held %d kB at most", most)
	}
}

// program is the server as a client starts it.
type program struct {
	cmd   *exec.Cmd
	in    io.Writer
	lines chan []byte
	id    int
}

func startProgram(t *testing.T, env ...string) *program {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "mcp-postgres")
	if out, err := exec.Command("go", "build", "-o", bin, "../../../cmd/mcp-postgres").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	p := &program{cmd: exec.Command(bin), lines: make(chan []byte, 1)}
	p.cmd.Env = append(env, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir())
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	go p.read(out) // until the program ends
	p.send(t, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	p.receive(t)
	p.send(t, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return p
}

func (p *program) read(out io.Reader) {
	defer close(p.lines)
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		p.lines <- line
	}
}

func (p *program) send(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatalf("the program takes no more: %v", err)
	}
}

func (p *program) receive(t *testing.T) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case line, ok := <-p.lines:
		if !ok {
			t.Fatal("the program has ended")
		}
		return line
	case <-ctx.Done():
		t.Fatalf("no answer within %v", patience)
	}
	return nil
}

// call answers as server.call does; whether the statement reached the database is not seen from here.
func (p *program) call(t *testing.T, tool string, args json.RawMessage) answer {
	t.Helper()
	p.id++
	p.send(t, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, p.id, tool, oneLine(args)))
	var m struct {
		Result struct {
			IsError bool
			Content []struct{ Text string }
		}
		Error *struct{ Message string }
	}
	line := p.receive(t)
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("stdout carries %.200q, want only JSON", line)
	}
	if m.Error != nil {
		return answer{text: m.Error.Message, isError: true}
	}
	var text string
	for _, c := range m.Result.Content {
		text += c.Text
	}
	return answer{text: text, isError: m.Result.IsError}
}

// oneLine keeps a message on its line.
func oneLine(args json.RawMessage) string { return strings.ReplaceAll(string(args), "\n", " ") }

// peak is the most memory that the program held, in kB; zero where the system does not tell.
func (p *program) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Log(err)
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}
