package main

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
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/registry"
)

// audit writes one line of JSON for each call. Its methods do nothing on nil, where there is no --audit.
type audit struct {
	full     bool // SQL and arguments too
	log      *slog.Logger
	analyzer *sqlscan.Analyzer
	hangup   chan os.Signal // nil for stderr, which is not reopened
	done     chan struct{}

	mu      sync.Mutex // one line is one write
	out     io.WriteCloser
	lost    int // lines since the last one that was written
	reopens func() (io.WriteCloser, error)
}

// auditLine is what the line says. What a call does not have is left out.
type auditLine struct {
	Time        time.Time       `json:"time"`
	Call        string          `json:"call,omitempty"`
	Sub         string          `json:"sub,omitempty"`
	Role        string          `json:"role,omitempty"`
	Method      string          `json:"method,omitempty"` // where it is not tools/call
	Resource    string          `json:"resource,omitempty"`
	Tool        string          `json:"tool"`
	Outcome     string          `json:"outcome"` // ok, refused or error
	Code        string          `json:"code,omitempty"`
	Rule        string          `json:"rule,omitempty"`
	Relations   []string        `json:"relations,omitempty"`
	Rows        int             `json:"rows"`
	Bytes       int             `json:"bytes"`
	MS          float64         `json:"ms"`
	Fingerprint string          `json:"fingerprint,omitempty"`
	SQL         string          `json:"sql,omitempty"`
	Arguments   json.RawMessage `json:"arguments,omitempty"`
}

// openAudit opens what --audit names; nil if it names nothing.
func openAudit(c *config.Config, log *slog.Logger) (*audit, error) {
	if c.Audit == "" {
		return nil, nil
	}
	a := &audit{full: c.AuditSQL, log: log, analyzer: sqlscan.NewAnalyzer(1000), out: os.Stderr}
	if c.Audit == "stderr" {
		return a, nil
	}
	a.reopens = func() (io.WriteCloser, error) {
		return os.OpenFile(c.Audit, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	}
	var err error
	if a.out, err = a.reopens(); err != nil {
		return nil, fmt.Errorf("--audit (MCP_AUDIT): %w", err)
	}
	a.hangup, a.done = make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(a.hangup, syscall.SIGHUP)
	go func() {
		defer close(a.done)
		for range a.hangup {
			a.reopen()
		}
	}()
	return a, nil
}

// reopen follows a file that was renamed. Where that fails the lines go on to the old one.
func (a *audit) reopen() {
	out, err := a.reopens()
	if err != nil {
		a.log.Error("the audit file can't be opened anew", "error", err)
		return
	}
	a.mu.Lock()
	old := a.out
	a.out = out
	a.mu.Unlock()
	if err := old.Close(); err != nil {
		a.log.Error("closing the old audit file", "error", err)
	}
}

func (a *audit) close() error {
	if a == nil || a.hangup == nil {
		return nil
	}
	signal.Stop(a.hangup)
	close(a.hangup)
	<-a.done
	return a.out.Close()
}

// observe is registry.Config.Observe.
func (a *audit) observe(_ context.Context, r *registry.Record) {
	line := auditLine{
		Time: r.Time.UTC(), Call: r.Call, Sub: r.Sub, Role: r.Role, Resource: r.Resource, Tool: r.Tool, Outcome: "ok", Rule: r.Rule,
		Relations: r.Relations, Rows: r.Rows, Bytes: r.Bytes, MS: float64(r.Duration.Microseconds()) / 1000,
	}
	if r.Method != string(mcp.MethodToolsCall) {
		line.Method = r.Method
	}
	switch r.Outcome {
	case "ok":
	case guard.Forbidden, guard.ReadOnly:
		line.Outcome, line.Code = "refused", r.Outcome
	default:
		line.Outcome, line.Code = "error", r.Outcome
	}
	if r.SQL != "" {
		a.read(r.SQL, &line)
	}
	if a.full {
		line.SQL = r.SQL
		if json.Valid(r.Arguments) {
			line.Arguments = r.Arguments
		}
	}
	a.write(&line)
}

// read fills in what the SQL says by itself; text that is no SQL says nothing.
func (a *audit) read(sql string, line *auditLine) {
	line.Fingerprint, _ = sqlscan.Fingerprint(sql)
	st, err := a.analyzer.Analyze(sql)
	if err != nil || line.Relations != nil {
		return
	}
	for _, rel := range st.Relations {
		line.Relations = append(line.Relations, rel.String())
	}
}

// unknown tells of a call of a tool that the caller does not have.
func (a *audit) unknown(ctx context.Context, name string) {
	if a == nil {
		return
	}
	line := auditLine{Time: time.Now().UTC(), Tool: fmt.Sprintf("%.100s", name), Outcome: "refused", Code: "unknown_tool"}
	if c, _ := guard.CallerFrom(ctx); c != nil {
		line.Sub = c.Sub
		if c.Role != nil {
			line.Role = c.Role.Name
		}
	}
	a.write(&line)
}

// write writes the line. A fault stops no call; the log tells of it once, and how much was lost when it is over.
func (a *audit) write(line *auditLine) {
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
