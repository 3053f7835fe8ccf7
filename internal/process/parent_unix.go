//go:build unix

package process

import (
	"os"
	"os/signal"
	"syscall"
)

// parentGone returns a function that reports whether the parent has ended; nil where that does not matter. A process
// whose parent has ended gets another one. 0 is a parent outside the container, or none.
func parentGone() func() bool {
	parent := os.Getppid()
	if parent <= 1 || signal.Ignored(syscall.SIGHUP) {
		return nil
	}
	return func() bool { return os.Getppid() != parent }
}
