package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// client speaks MCP over stdio to a process that it started. It is for one goroutine.
type client struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	seq int
	msg []byte // of the last send
	buf []byte // of the last receive
}

// patience bounds the wait for an answer.
const patience = 60 * time.Second

const (
	initialize = `"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}`
	ready      = `{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n"
)

// launch starts a server and greets it. The server's log is thrown away.
func launch(path string, env []string, args ...string) (*client, error) {
	cmd := exec.Command(path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", path, err)
	}
	c := &client{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}
	if _, err := c.ask(initialize); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting %s (run it by hand to see its log): %w", path, err), c.close())
	}
	if _, err := io.WriteString(in, ready); err != nil {
		return nil, errors.Join(fmt.Errorf("greeting %s: %w", path, err), c.close())
	}
	return c, nil
}

// close ends the server's input and waits for it to end.
func (c *client) close() error {
	closed := c.in.Close()
	stop := c.watch()
	defer stop()
	_, _ = io.Copy(io.Discard, c.out)
	return errors.Join(closed, c.cmd.Wait())
}

// watch kills the server when it takes too long, until the function that it returns is called.
func (c *client) watch() func() bool {
	return time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() }).Stop
}

// call is the part of a request after its id.
func call(tool, args string) string {
	return `"method":"tools/call","params":{"name":` + strconv.Quote(tool) + `,"arguments":` + args + `}}`
}

// send writes one request; tail is what follows its id.
func (c *client) send(tail string) (int, error) {
	c.seq++
	c.msg = strconv.AppendInt(append(c.msg[:0], `{"jsonrpc":"2.0","id":`...), int64(c.seq), 10)
	c.msg = append(append(append(c.msg, ','), tail...), '\n')
	_, err := c.in.Write(c.msg)
	return c.seq, err
}

// receive reads one answer. The result is valid until the next receive.
func (c *client) receive() (id int, res []byte, err error) {
	c.buf = c.buf[:0]
	for {
		part, err := c.out.ReadSlice('\n')
		c.buf = append(c.buf, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return 0, nil, fmt.Errorf("reading an answer: %w", err)
		}
	}
	head, body, ok := bytes.Cut(c.buf, []byte(`,"result":`))
	_, number, found := bytes.Cut(head, []byte(`"id":`))
	if id, err = strconv.Atoi(string(number)); !ok || !found || err != nil {
		return 0, nil, fmt.Errorf("not a result: %.300q", c.buf)
	}
	return id, body, nil
}

// ask sends one request and gives its result.
func (c *client) ask(tail string) ([]byte, error) {
	stop := c.watch()
	defer stop()
	want, err := c.send(tail)
	if err != nil {
		return nil, err
	}
	id, res, err := c.receive()
	if err == nil && id != want {
		err = fmt.Errorf("answer %d to request %d", id, want)
	}
	return res, err
}
