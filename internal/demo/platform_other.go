//go:build !unix

package demo

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
)

// errPlatform is what Start returns; nothing below is reached after it.
var errPlatform = errors.New("starting the demo database: it is not available on " + runtime.GOOS +
	": want Linux, macOS or another unix")

type account struct{ name string }

func serverAccount() (account, error)       { return account{}, errPlatform }
func (account) give(string) error           { return errPlatform }
func (account) owns(string) bool            { return false }
func (account) canEnter(string) error       { return errPlatform }
func lockNew(string) (*os.File, error)      { return nil, errPlatform }
func lockOld(string) (*os.File, error)      { return nil, errPlatform }
func detach(*exec.Cmd, account)             {}
func (p *process) fastShutdown() error      { return errPlatform }
func (p *process) immediateShutdown() error { return errPlatform }
func (p *process) kill() error              { return p.cmd.Process.Kill() }
