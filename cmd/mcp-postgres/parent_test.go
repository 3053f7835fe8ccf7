//go:build linux

package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// orphan is a server whose parent is a shell. The test has the other ends of its pipes, so its standard input stays open when
// the shell is killed.
type orphan struct {
	t      *testing.T
	shell  *exec.Cmd
	in     *os.File
	out    *bufio.Reader
	stderr *os.File
}

// asChild is a script of the shell that starts the server and stays its parent.
const asChild = `"$0" <&3 >&4 2>&5 & wait`

// startOrphan runs a script that starts the server.
func startOrphan(t *testing.T, script string) *orphan {
	t.Helper()
	var theirs []*os.File
	pipe := func(toServer bool) *os.File {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		our, their := r, w
		if toServer {
			our, their = w, r
		}
		t.Cleanup(func() { _ = our.Close() })
		theirs = append(theirs, their)
		return our
	}
	o := &orphan{t: t, in: pipe(true), out: bufio.NewReader(pipe(false)), stderr: pipe(false)}
	o.shell = exec.Command("sh", "-c", script, self(t))
	o.shell.Env, o.shell.ExtraFiles = environment(asProgram+"=1"), theirs
	if err := o.shell.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	return o
}

// ask sends a request and waits for its answer.
func (o *orphan) ask(request string) {
	o.t.Helper()
	if _, err := io.WriteString(o.in, request+"\n"); err != nil {
		o.t.Fatal(err)
	}
	if line, err := o.out.ReadString('\n'); err != nil || !strings.Contains(line, `"result"`) {
		o.t.Fatalf("the answer is %q, %v", line, err)
	}
}

// killParent kills the shell.
func (o *orphan) killParent() {
	o.t.Helper()
	if err := o.shell.Process.Kill(); err != nil {
		o.t.Fatal(err)
	}
	_ = o.shell.Wait() // it was killed
}

// ends waits for the end of the server and returns its log.
func (o *orphan) ends() string {
	o.t.Helper()
	_ = o.stderr.SetReadDeadline(time.Now().Add(20 * time.Second))
	log, err := io.ReadAll(o.stderr)
	if err != nil {
		o.t.Fatalf("the server has not ended: %v\n%s", err, log)
	}
	return string(log)
}

func TestServeEndsWithItsParent(t *testing.T) {
	o := startOrphan(t, asChild)
	o.ask(hello)
	o.killParent()
	if log := o.ends(); !strings.Contains(log, `msg=stopped reason="the process that started the server has ended"`) {
		t.Errorf("the log is\n%s", log)
	}
}

// TestServeOutlivesItsParent: nohup ignores SIGHUP; a daemon has process 1, or what stands for it, as its parent.
func TestServeOutlivesItsParent(t *testing.T) {
	nohup := startOrphan(t, "trap '' HUP; "+asChild)
	daemon := startOrphan(t, `(while kill -0 $$ 2>&-; do sleep 0.1; done; exec "$0" <&3 >&4 2>&5) &`)
	nohup.ask(hello)
	nohup.killParent()
	if err := daemon.shell.Wait(); err != nil {
		t.Fatal(err)
	}
	daemon.ask(hello)
	time.Sleep(6 * time.Second) // the servers would have looked
	for _, o := range []*orphan{nohup, daemon} {
		o.ask(`{"jsonrpc":"2.0","id":2,"method":"ping"}`)
		if err := o.in.Close(); err != nil {
			t.Fatal(err)
		}
		if log := o.ends(); strings.Contains(log, "reason=") {
			t.Errorf("the log is\n%s", log)
		}
	}
}
