package demo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// chores waits on standard input. A line says that all is tidy. The end of input without one says that our
// process died: then the janitor ends the server, gives it five seconds, and removes the directory: the data in
// two tries, since a dying initdb may still add to it, and the lock last, so that a sweep finds what is left.
const chores = `
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

func hireJanitor(dir *directory, owner account) (*janitor, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("starting the janitor: %w", err)
	}
	defer out.Close()
	cmd := exec.Command("/bin/sh", "-c", chores, "mcp-postgres-janitor", dir.path)
	cmd.Dir = "/"
	cmd.Stdin = out
	cmd.ExtraFiles = []*os.File{dir.lock}
	detach(cmd, owner)
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the janitor: %w", err), in.Close())
	}
	return &janitor{cmd: cmd, in: in}, nil
}

// dismiss tells the janitor that there is nothing to do, and waits for it. Errors mean that it had left
// already, which is as good.
func (j *janitor) dismiss() {
	_, _ = j.in.WriteString("tidy\n")
	_ = j.in.Close()
	_ = j.cmd.Wait()
}
