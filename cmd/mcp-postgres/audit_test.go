package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestAuditRotation renames the file and sends SIGHUP, as logrotate does.
func TestAuditRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	s := startServer(t, nil, "--audit", path, "--audit-sql")
	s.call("query", `{"sql": "SELECT 'before'"}`)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("no new file after SIGHUP")
		}
	}
	s.call("query", `{"sql": "SELECT 'after'"}`)
	if _, status := s.close(); status != 0 {
		t.Errorf("exit status %d: %s", status, s.stderr)
	}
	if old := read(t, path+".1"); !bytes.Contains(old, []byte("before")) || bytes.Contains(old, []byte("after")) {
		t.Errorf("the old file has %s", old)
	}
	if now := read(t, path); !bytes.Contains(now, []byte("after")) || bytes.Contains(now, []byte("before")) {
		t.Errorf("the new file has %s", now)
	}
}

// TestAuditHidesSecrets: on stderr, where logs are collected, a secret in the SQL of a caller is hidden, and the line stays JSON.
func TestAuditHidesSecrets(t *testing.T) {
	const sql = `sql=SELECT 'postgres://app:s3cret-1@db' AS "app:s3cret-2@db\"`
	got := cliRun(t, []string{"MCP_AUDIT=stderr", "MCP_AUDIT_SQL=true", "PGPASSWORD=s3cret-3"}, "call", "query", sql, `parameters=["s3cret-3"]`)
	var line struct{ SQL string }
	if err := json.Unmarshal([]byte(got.err[strings.Index(got.err, "{"):strings.Index(got.err, "}\n")+1]), &line); err != nil || !strings.HasPrefix(line.SQL, "SELECT") {
		t.Errorf("the audit is %s, %v, want a line of JSON with the SQL", got.err, err)
	}
	if strings.Contains(got.err, "s3cret") {
		t.Errorf("the audit is %s, want no secret in it", got.err)
	}
}

func TestAuditTargets(t *testing.T) {
	got := cliRun(t, []string{"MCP_AUDIT=stderr"}, "call", "server_info")
	if got.status != 0 || !strings.Contains(got.err, `"tool":"server_info",`) || !strings.Contains(got.err, `"outcome":"ok"`) {
		t.Errorf("--audit stderr: %+v", got)
	}
	if got := cliRun(t, []string{"MCP_AUDIT=stderr"}, "call", "query", "sql=SELECT 1"); !strings.Contains(got.err, `"tool":"query",`) || !strings.Contains(got.err, `"outcome":"error","code":"no_database"`) {
		t.Errorf("a call without a database: %+v", got)
	}
	if got := cliRun(t, []string{"MCP_AUDIT=stderr"}, "call", "nope"); !strings.Contains(got.err, `"tool":"nope",`) || !strings.Contains(got.err, `"outcome":"refused","code":"unknown_tool"`) {
		t.Errorf("an unknown tool: %+v", got)
	}
	if got := cliRun(t, nil, "--audit", "/nowhere/audit", "call", "server_info"); got.status != 1 || !strings.Contains(got.err, "--audit (MCP_AUDIT)") {
		t.Errorf("no such folder: %+v", got)
	}
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	got = cliRun(t, nil, "--audit", "/dev/full", "call", "server_info")
	if got.status != 0 || !strings.Contains(got.err, "the audit can't be written") {
		t.Errorf("a full disk: %+v, want the call to go on and a word in the log", got)
	}
}
