//go:build unix

package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating-system user that the server runs as. The zero account is the user of this process.
type account struct {
	name string
	uid  uint32
	gid  uint32
}

// serverAccount picks another user for root, because PostgreSQL refuses to run as root.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseInt(u.Uid, 10, 64)
		gid, gidErr := strconv.ParseInt(u.Gid, 10, 64)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("reading user %q: %w", name, err)
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return account{}, errors.New("choosing a user for the demo database: PostgreSQL does not run as root, " +
		`want a user "postgres" or "nobody"`)
}

// credential is nil where no change of user is wanted.
func (a account) credential() *syscall.Credential {
	if a.name == "" {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// give makes the account the owner of path.
func (a account) give(path string) error {
	if a.name == "" {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// owns is true for a real directory of the account.
func (a account) owns(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	want := uint32(os.Geteuid())
	if a.name != "" {
		want = a.uid
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == want
}

// canEnter checks that another user than ours reaches dir: every directory above it must be open to all.
func (a account) canEnter(dir string) error {
	if a.name == "" {
		_, err := os.Stat(dir)
		return err
	}
	for path := dir; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("user %q can't enter %s", a.name, path)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// lockNew creates a file that appears under its name already locked, so that nobody finds it free.
func lockNew(path string) (*os.File, error) {
	unfinished := path + ".new"
	file, err := lock(unfinished, os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(unfinished, path); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// lockOld takes over the lock of a file that exists, unless a living process has it.
func lockOld(path string) (*os.File, error) {
	return lock(path, syscall.O_NOFOLLOW|syscall.O_NONBLOCK)
}

func lock(path string, flags int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

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
