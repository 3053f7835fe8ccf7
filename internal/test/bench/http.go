package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mcp-postgres/internal/demo"
)

// web is a server that this program started and speaks MCP with over streamable HTTP. It is safe for concurrent use.
type web struct {
	cmd    *exec.Cmd
	url    string
	client *http.Client
	token  string // of the caller; empty without authentication
}

// launchHTTP starts the server that command, as of launch, gives for an address, and waits until it answers. The caller
// closes it. The token is that of the caller, if there is one.
func launchHTTP(ctx context.Context, command func(addr string) []string, token ...string) (*web, error) {
	port, err := demo.FreePort()
	if err != nil {
		return nil, err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	c := command(addr)
	w := &web{exec.Command(c[1], c[2:]...), "http://" + addr + "/mcp",
		&http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: maxWorkers}}, strings.Join(token, "")}
	w.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), c[0]}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err = w.ask(ctx, initialize, new(bytes.Buffer)); err == nil {
			return w, nil
		}
		if ctx.Err() != nil || time.Since(began) > patience {
			return nil, errors.Join(fmt.Errorf("greeting %s over HTTP: %w", c[1], err), w.close())
		}
	}
}

// ask sends one request and gives the result of its answer, which must be plain JSON. It is in memory.
func (w *web) ask(ctx context.Context, request string, memory *bytes.Buffer) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(message(1, request)))
	if err != nil {
		return nil, err
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
		"Mcp-Protocol-Version": {"2025-06-18"}}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	memory.Reset()
	if _, err = memory.ReadFrom(res.Body); err != nil {
		return nil, err
	}
	return resultOf(memory.Bytes())
}

// close ends the server, and kills one that does not end.
func (w *web) close() error {
	defer time.AfterFunc(patience, func() { _ = w.cmd.Process.Kill() }).Stop()
	err := w.cmd.Process.Signal(syscall.SIGTERM)
	var exit *exec.ExitError
	if waited := w.cmd.Wait(); !errors.As(waited, &exit) { // how a floor ends does not matter
		err = errors.Join(err, waited)
	}
	return err
}
