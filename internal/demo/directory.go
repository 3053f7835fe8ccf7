package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// cleanUp waits on standard input. A line means that there is nothing to do. The end of input without one means that
// our process died: then the janitor ends the server, gives it five seconds, and removes the directory: the data in two
// tries, since a dying initdb may still add to it, and the lock last, so that a sweep finds what is left.
const cleanUp = `
trap '' HUP INT TERM
read -r tidy && exit 0
kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"
tries=50
while [ -e "$1/data/postmaster.pid" ] && [ $tries -gt 0 ]; do sleep 0.1; tries=$((tries - 1)); done
rm -rf -- "$1/data" || { sleep 1; rm -rf -- "$1/data"; } && rm -rf -- "$1"
`

// janitor is a small process that outlives ours and cleans up when we could not.
type janitor struct {
	cmd *exec.Cmd
	in  *os.File
}

func startJanitor(dir *directory, owner account) (*janitor, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the janitor: %w", err)
	}
	defer out.Close()
	cmd := exec.Command("/bin/sh", "-c", cleanUp, "mcp-postgres-janitor", dir.path)
	cmd.Dir = "/"
	cmd.Stdin = out
	cmd.ExtraFiles = []*os.File{dir.lock}
	detach(cmd, owner)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the janitor: %w", err), in.Close())
	}
	return &janitor{cmd: cmd, in: in}, nil
}

// stop ends the janitor without a clean-up, and waits for it. An error means that it has ended already.
func (j *janitor) stop() {
	_, _ = j.in.WriteString("tidy\n")
	_ = j.in.Close()
	_ = j.cmd.Wait()
}
