//go:build linux

package demo

import (
	"os/exec"
	"syscall"
)

// roomyMemory is the file system in memory, if it has a gigabyte to spare; containers often have 64 MB.
func roomyMemory() string {
	const (
		dir   = "/dev/shm"
		magic = 0x01021994 // of tmpfs
		want  = 1 << 30
	)
	var fs syscall.Statfs_t
	if syscall.Statfs(dir, &fs) != nil {
		return ""
	}
	kind := int64(fs.Type) //nolint:unconvert // its type differs from one processor to another
	if kind != magic || fs.Bavail*uint64(fs.Bsize) < want {
		return ""
	}
	return dir
}

// dieWithParent has the kernel send an immediate shutdown to the child when we are gone, even after kill -9.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
}
