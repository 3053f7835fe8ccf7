//go:build unix

package demo

import (
	"errors"
	"fmt"
	"os"
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
	return account{}, errors.New(`choosing a user for the demo database: PostgreSQL does not run as root, want a user "postgres" or "nobody"`)
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
