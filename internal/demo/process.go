package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// shutdownWait is how long each of the shutdown signals has to work.
const shutdownWait = 4 * time.Second

// process is a child that dies with us. Its supervisor waits for it; everyone else waits for done.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
	err  error         // how it ended; valid after done
}

// launch starts cmd in a process group of its own, so that a terminal's Ctrl-C leaves it to us.
func launch(cmd *exec.Cmd, owner account) (*process, error) {
	detach(cmd, owner)
	dieWithParent(cmd)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.supervise(started)
	return p, <-started
}

// supervise starts the child and waits for it on one thread: "parent" in the parent-death signal means the
// thread that forked, so that thread lives as long as the child.
func (p *process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
		close(p.done)
	}
}

// wait returns when the child has ended. If ctx ends first the child has a little time left: initdb needs a
// second in all, and a killed one leaves shared memory behind.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		nothing := func() error { return nil }
		return errors.Join(context.Cause(ctx), p.end(nothing, p.kill))
	}
}

// stop shuts the server down, fast if that works.
func (p *process) stop() error {
	return p.end(p.fastShutdown, p.immediateShutdown, p.kill)
}

// end asks in one way after the other until the child has ended.
func (p *process) end(ways ...func() error) error {
	for _, ask := range ways {
		if err := ask(); err != nil && !p.ended() {
			return err
		}
		select {
		case <-p.done:
			return nil
		case <-time.After(shutdownWait):
		}
	}
	<-p.done
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// environment is ours without what would change the server or its messages.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(setting string) bool {
		return strings.HasPrefix(setting, "PG") || strings.HasPrefix(setting, "LC_") || strings.HasPrefix(setting, "LANG")
	})
	return append(env, "LC_ALL=C", "TZ=UTC")
}

// tail is the end of a program's output, for an error message.
func tail(output []byte) string {
	const lines = 12
	all := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
