//go:build unix

package process

import (
	"os"
	"os/signal"
	"syscall"
)

// parentProcess is known by its number. When it ends, this process becomes the child of another.
type parentProcess int

// parent is not ok for a process that is meant to outlive its parent. 0 is a parent outside the container, or none.
func parent() (p parentProcess, ok bool) {
	pid := os.Getppid()
	return parentProcess(pid), pid > 1 && !signal.Ignored(syscall.SIGHUP)
}

func (p parentProcess) gone() bool { return os.Getppid() != int(p) }

func (p parentProcess) close() {}
