//go:build unix

package demo

import (
	"os"
	"syscall"
)

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
