package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// child is a program that ends with this one, however that ends: a shell waits for the end of its input.
type child struct {
	cmd   *exec.Cmd
	input io.Closer
	log   bytes.Buffer
	pid   int // of the program itself
}

// keeper starts "$@", says its number, and ends it when the input ends.
const keeper = `"$@" <&- & echo "pid $!" >&3; read -r _; kill $! 2>/dev/null; wait $!`

// start runs a program as an account, or as that of this process if the name is empty.
func start(account string, env []string, program ...string) (*child, error) {
	c := &child{cmd: exec.Command("sh", append([]string{"-c", keeper, "sh"}, program...)...)}
	c.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C"}, env...)
	c.cmd.Dir = "/"
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	var err error
	if c.cmd.SysProcAttr, err = as(account); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c.cmd.ExtraFiles = []*os.File{w}
	if c.input, err = c.cmd.StdinPipe(); err == nil {
		err = c.cmd.Start()
	}
	err = errors.Join(err, w.Close())
	if err == nil {
		_, err = fmt.Fscanf(r, "pid %d", &c.pid)
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", program[0], err)
	}
	return c, nil
}

func as(account string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true} // an interrupt is for this program, which ends the others in order
	if account == "" {
		return attr, nil
	}
	u, err := user.Lookup(account)
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, errors.Join(uidErr, gidErr)
}

func (c *child) signal(s syscall.Signal) error { return syscall.Kill(c.pid, s) }

// stop ends the program as the system would.
func (c *child) stop() error {
	defer time.AfterFunc(15*time.Second, func() { _ = c.signal(syscall.SIGKILL) }).Stop()
	err := c.input.Close()
	_ = c.cmd.Wait() // it was ended
	return err
}

// installed finds a program that Debian keeps from the PATH of users.
func installed(name string) (string, error) {
	for _, path := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(path); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (Debian: apt-get install %s)", name, name)
}
