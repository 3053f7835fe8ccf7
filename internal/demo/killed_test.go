//go:build unix

package demo_test

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
)

// runHelper starts this program as helper, in a process group of its own.
func runHelper(t *testing.T) (cmd *exec.Cmd, url string) {
	t.Helper()
	needServer(t)
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "DEMO_HELPER=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(t, cmd) })
	line, _ := bufio.NewReader(out).ReadString('\n')
	fields := strings.Fields(line)
	if len(fields) != 3 {
		t.Fatalf("the helper says %q, want its process, directory and address", line)
	}
	return cmd, fields[2]
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if cmd.ProcessState == nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

func TestKilledParentLeavesNothing(t *testing.T) {
	dir := tempDir(t)
	cmd, _ := runHelper(t)
	kill(t, cmd)
	eventually(t, "server and directory gone", func() bool {
		return len(processes(t, dir)) == 0 && len(entries(t, dir)) == 0
	})
}

func TestParentKilledWhileStartingLeavesNothing(t *testing.T) {
	needServer(t)
	dir := tempDir(t)
	for _, after := range []time.Duration{30, 150, 300, 450} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "DEMO_HELPER=1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after * time.Millisecond)
		kill(t, cmd)
		eventually(t, "server and directory gone", func() bool {
			return len(processes(t, dir)) == 0 && len(entries(t, dir)) == 0
		})
	}
}

func TestKilledJanitorIsMadeUpFor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs the parent-death signal")
	}
	dir := tempDir(t)
	cmd, _ := runHelper(t)
	for _, process := range processes(t, dir) {
		if pid, args, _ := strings.Cut(process, " "); strings.Contains(args, "mcp-postgres-janitor") {
			n, _ := strconv.Atoi(pid)
			if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	kill(t, cmd)
	eventually(t, "server gone", func() bool { return len(processes(t, dir)) == 0 })
	if got := entries(t, dir); len(got) != 1 {
		t.Fatalf("left in the temporary directory = %q, want the directory of the killed process", got)
	}
	// The lock may outlive the last name in the process list by a moment.
	eventually(t, "directory swept by a next start", func() bool {
		if err := start(t, demo.Config{}).Stop(); err != nil {
			t.Fatal(err)
		}
		return len(entries(t, dir)) == 0
	})
}

func TestSweepSparesTheLiving(t *testing.T) {
	tempDir(t)
	one := start(t, demo.Config{})
	start(t, demo.Config{})
	if got := value(t, one.URL(), "SELECT 1"); got != "1" {
		t.Errorf("SELECT 1 = %s after another start", got)
	}
	if _, err := os.Stat(one.Dir()); err != nil {
		t.Error(err)
	}
}

func TestCtrlCIsLeftToTheParent(t *testing.T) {
	cmd, url := runHelper(t)
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if got := value(t, url, "SELECT pg_sleep(0.01) IS NULL"); got != "f" {
			t.Fatalf("pg_sleep IS NULL = %q, want f", got)
		}
	}
}
