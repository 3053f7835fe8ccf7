package demo

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel send an immediate shutdown to the child when we are gone, even after kill -9.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
}
