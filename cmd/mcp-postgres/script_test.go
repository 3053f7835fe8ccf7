package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mcp-postgres/internal/test/pgtest"
)

// TestScripts runs the files in testdata/script, one a behaviour of the command line. $DB is the sample data. Beside the
// commands of testscript there are:
//
//	exits STATUS [NAME=VALUE...] mcp-postgres ...   runs the program; no password must be shown
//	[!] out TEXT                                    what it printed to stdout has, or has not, the text
//	[!] err TEXT                                    the same of stderr
func TestScripts(t *testing.T) {
	url := pgtest.Demo(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, "bin")
			env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv(asProgram, "1")
			env.Setenv("DB", url)
			return errors.Join(os.Mkdir(bin, 0o755), os.Symlink(self(t), filepath.Join(bin, "mcp-postgres")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "out": printed("stdout"), "err": printed("stderr")},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS [NAME=VALUE...] PROGRAM ARGUMENTS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("env", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("running %v: %v", args, err)
		}
		got = exit.ExitCode()
	}
	out, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit status %d, want %d\n%s%s", got, want, out, stderr)
	}
	if strings.Contains(out+stderr, "s3cret") {
		ts.Fatalf("the password is shown:\n%s%s", out, stderr)
	}
}

func printed(file string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if len(args) != 1 {
			ts.Fatalf("usage: [!] out|err TEXT")
		}
		if text := ts.ReadFile(file); strings.Contains(text, args[0]) == neg {
			ts.Fatalf("%s is\n%s\nwant %q in it: %v", file, text, args[0], !neg)
		}
	}
}
