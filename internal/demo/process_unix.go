//go:build unix

package demo

import (
	"os/exec"
	"syscall"
)

// detach gives cmd its own process group and user.
func detach(cmd *exec.Cmd, owner account) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner.credential()}
}

// fastShutdown rolls open transactions back and ends.
func (p *process) fastShutdown() error {
	return p.cmd.Process.Signal(syscall.SIGINT)
}

// immediateShutdown ends without writing anything.
func (p *process) immediateShutdown() error {
	return p.cmd.Process.Signal(syscall.SIGQUIT)
}

// kill ends the process and all its children.
func (p *process) kill() error {
	return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}
