package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dirPrefix begins the name of every private directory.
const dirPrefix = "mcp-postgres-demo-"

// maxRoot keeps the socket's path (root, prefix, ten digits, /.s.PGSQL.5432) within the 103 bytes that the
// strictest system has for it; Linux has 107.
const maxRoot = 103 - len("/"+dirPrefix+"0123456789/.s.PGSQL.5432")

// directory is the private home of one cluster. Its lock is inherited by the server and the janitor, so it is
// free exactly when everyone who could use the directory is gone.
type directory struct {
	path string
	lock *os.File
}

// newDirectory makes a directory that only owner can enter, after sweeping those of killed processes.
func newDirectory(owner account) (*directory, error) {
	root, err := tempRoot(owner)
	if err != nil {
		return nil, err
	}
	sweep(root, owner)
	path, err := os.MkdirTemp(root, dirPrefix) // 0700
	if err != nil {
		return nil, fmt.Errorf("making a directory for the demo database: %w", err)
	}
	lock, err := lockNew(filepath.Join(path, "lock"))
	if err == nil {
		err = owner.give(path)
	}
	d := &directory{path: path, lock: lock}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", path, err), d.remove())
	}
	return d, nil
}

func (d *directory) data() string    { return filepath.Join(d.path, "data") }
func (d *directory) logFile() string { return filepath.Join(d.path, "postgres.log") }

// remove deletes the directory, then lets go of the lock.
func (d *directory) remove() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	if err != nil {
		return fmt.Errorf("removing the demo database: %w", err)
	}
	return nil
}

// tempRoot is TMPDIR if set, else memory with room, else /tmp: the first that serves. Creating and removing
// the two thousand files of a cluster is several times faster in memory than on some file systems.
func tempRoot(owner account) (string, error) {
	var faults []error
	for _, root := range []string{os.Getenv("TMPDIR"), roomyMemory(), "/tmp"} {
		if root == "" {
			continue
		}
		root, err := filepath.Abs(root)
		if err == nil {
			err = usable(root, owner)
		}
		if err == nil {
			return root, nil
		}
		faults = append(faults, err)
	}
	return "", fmt.Errorf("finding a directory for the demo database: %w", errors.Join(faults...))
}

func usable(root string, owner account) error {
	if len(root) > maxRoot {
		return fmt.Errorf("%s is too long for a socket: want at most %d bytes", root, maxRoot)
	}
	if strings.Contains(root, ",") {
		return fmt.Errorf("%s has a comma, which separates hosts in a connection string", root)
	}
	return owner.canEnter(root)
}

// sweep removes the directories of processes that were killed together with their janitor.
func sweep(root string, owner account) {
	dirs, _ := filepath.Glob(filepath.Join(escapeGlob(root), dirPrefix+"*"))
	for _, dir := range dirs {
		if !owner.owns(dir) {
			continue
		}
		lock, err := lockOld(filepath.Join(dir, "lock"))
		if err != nil {
			continue // in use, or not proven otherwise
		}
		os.RemoveAll(dir)
		lock.Close()
	}
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
