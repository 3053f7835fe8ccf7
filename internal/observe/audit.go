package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
)

// Audit writes one line of JSON for each call. A nil one writes nothing.
type Audit struct {
	path   string // empty for stderr, which is not opened again
	full   bool   // SQL and arguments too
	log    *slog.Logger
	hangup chan os.Signal
	done   chan struct{}

	mu   sync.Mutex // one line is one write
	out  io.Writer
	file *os.File // is out, but for stderr
	lost int      // lines since the last one that was written
}

// OpenAudit opens what --audit names: a file, which is opened again on SIGHUP, or "stderr"; an empty target is none.
// With full, lines have SQL and arguments too. Close ends it.
func OpenAudit(target string, full bool, stderr io.Writer, log *slog.Logger) (*Audit, error) {
	if target == "" {
		return nil, nil
	}
	a := &Audit{full: full, log: log, out: stderr}
	if target == "stderr" {
		return a, nil
	}
	a.path, a.hangup, a.done = target, make(chan os.Signal, 1), make(chan struct{})
	if err := a.open(); err != nil {
		return nil, fmt.Errorf("--audit (MCP_AUDIT): %w", err)
	}
	signal.Notify(a.hangup, syscall.SIGHUP)
	go func() {
		defer close(a.done)
		for range a.hangup {
			if err := a.open(); err != nil {
				log.Error("the audit file can't be opened again", "error", err)
			}
		}
	}()
	return a, nil
}

// open opens the file, and closes the one before. Where it fails, lines go on to that.
func (a *Audit) open() error {
	file, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	a.mu.Lock()
	old := a.file
	a.out, a.file = file, file
	a.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.Close()
}

// Close closes the file.
func (a *Audit) Close() error {
	if a == nil || a.file == nil {
		return nil
	}
	signal.Stop(a.hangup)
	close(a.hangup)
	<-a.done
	return a.file.Close()
}

// UnknownTool writes a line for a call of a tool that the caller does not have. It makes no number, as the name may
// be any.
func (a *Audit) UnknownTool(ctx context.Context, name string) {
	if a == nil {
		return
	}
	r := NewRecord(ctx, Origin{Method: callTool}, fmt.Sprintf("%.100s", name))
	r.Call, r.Outcome = "", CodeUnknownTool
	a.call(r)
}

const callTool = "tools/call"

// auditLine is the record of a call as the line has it. What a call does not have is left out.
type auditLine struct {
	Record
	Method      string          `json:"method,omitempty"` // where it is not tools/call
	Outcome     string          `json:"outcome"`          // ok, refused or error
	Code        string          `json:"code,omitempty"`
	MS          float64         `json:"ms"`
	Fingerprint string          `json:"fingerprint,omitempty"`
	SQL         string          `json:"sql,omitempty"`
	Arguments   json.RawMessage `json:"arguments,omitempty"`
}

func (a *Audit) call(r *Record) {
	line := auditLine{Record: *r, Outcome: "ok", MS: float64(r.Duration.Microseconds()) / 1000}
	line.Time = r.Time.UTC()
	if r.Method != callTool {
		line.Method = r.Method
	}
	switch r.Outcome {
	case "ok":
	case guard.Forbidden, guard.ReadOnly, CodeUnknownTool:
		line.Outcome, line.Code = "refused", r.Outcome
	default:
		line.Outcome, line.Code = "error", r.Outcome
	}
	if r.SQL != "" {
		a.analyze(r.SQL, &line)
	}
	if a.full {
		line.SQL = r.SQL
		if json.Valid(r.Arguments) {
			line.Arguments = r.Arguments
		}
	}
	a.write(&line)
}

// analyze fills in what the SQL says by itself; for a text that is no SQL that is nothing.
func (a *Audit) analyze(sql string, line *auditLine) {
	line.Fingerprint, _ = sqlscan.Fingerprint(sql)
	if line.Relations != nil {
		return
	}
	st, err := sqlscan.Analyze(sql)
	if err != nil {
		return
	}
	for _, rel := range st.Relations {
		line.Relations = append(line.Relations, rel.String())
	}
}

// write writes the line. A fault stops no call: the log says so once, and how many lines were lost when it is over.
func (a *Audit) write(line *auditLine) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(line)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		_, err = a.out.Write(text.Bytes())
	}
	switch {
	case err != nil:
		if a.lost++; a.lost == 1 {
			a.log.Error("the audit can't be written: lines are lost", "error", err)
		}
	case a.lost > 0:
		a.log.Error("the audit is written again", "lost", a.lost)
		a.lost = 0
	}
}
