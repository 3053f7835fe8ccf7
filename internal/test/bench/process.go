package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is a server that this program started and speaks MCP with over stdio. It is safe for concurrent use.
type process struct {
	command          []string
	cmd              *exec.Cmd // nil for a server in this process
	in               io.WriteCloser
	out              *bufio.Reader
	writing, reading sync.Mutex
	seq              int // of requests; by writing
}

// patience bounds one measurement and the end of a process.
const patience = 60 * time.Second

const initialize = `"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},` +
	`"clientInfo":{"name":"bench","version":"1"}}`

// toolCall is a request to call a tool, without its id.
func toolCall(tool, args string) string {
	return fmt.Sprintf(`"method":"tools/call","params":{"name":%q,"arguments":%s}`, tool, args)
}

// message completes a request.
func message(id int, request string) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,%s}`+"\n", id, request)
}

// resultOf is the result in an answer; it is the same for each answer to the same request.
func resultOf(line []byte) ([]byte, error) {
	_, result, ok := bytes.Cut(bytes.TrimSuffix(bytes.TrimSpace(line), []byte("}")), []byte(`,"result":`))
	if !ok {
		return nil, fmt.Errorf("not a result: %.300q", line)
	}
	return result, nil
}

// launch starts a server, given as an environment variable, a program and its arguments, and greets it. The server's
// log is thrown away. The caller closes the process.
func launch(ctx context.Context, command []string) (*process, error) {
	cmd := exec.Command(command[1], command[2:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), command[0]}
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		return nil, err
	}
	p := &process{command: command, cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	if _, err := p.ask(ctx, initialize, new(bytes.Buffer)); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting %s (run it by hand to see its log): %w", command[1], err), p.close())
	}
	_, err := io.WriteString(in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`+"\n")
	return p, err
}

// ask sends one request, short enough for 16 of them to fit into the pipe, and gives the result of the next answer. Who
// asks at the same time must ask the same: answers are not matched with requests, for waking another would take longer.
// The end of ctx kills the server. The result is in memory.
func (p *process) ask(ctx context.Context, request string, memory *bytes.Buffer) ([]byte, error) {
	defer context.AfterFunc(ctx, p.kill)()
	p.writing.Lock()
	p.seq++
	_, err := p.in.Write(message(p.seq, request))
	p.writing.Unlock()
	if err != nil {
		return nil, err
	}
	memory.Reset()
	p.reading.Lock()
	defer p.reading.Unlock()
	for part, err := p.out.ReadSlice('\n'); ; part, err = p.out.ReadSlice('\n') {
		memory.Write(part)
		if err == nil {
			return resultOf(memory.Bytes())
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("reading an answer: %w", err)
		}
	}
}

func (p *process) kill() {
	if p.cmd == nil {
		_ = p.in.Close() // its answers end then
		return
	}
	_ = p.cmd.Process.Kill() // it may have ended
}

// close ends the server's input and waits for it to end; it kills a server that does not.
func (p *process) close() error {
	defer time.AfterFunc(patience, p.kill).Stop()
	err := p.in.Close()
	_, _ = io.Copy(io.Discard, p.out)
	return errors.Join(err, p.cmd.Wait())
}

// memory gives what the process holds and the most that it held, in MiB. Zero is unknown: only Linux tells.
func (p *process) memory() (rss, peak float64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %f", &rss)
		_, _ = fmt.Sscanf(line, "VmHWM: %f", &peak)
	}
	return rss / 1024, peak / 1024
}
