package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/invopop/jsonschema"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// infoWait bounds the look at the database: server_info is for when nothing else answers.
const infoWait = 2 * time.Second

const serverInfoName = "server_info"

// ServerInfo is the answer of server_info.
type ServerInfo struct {
	Name     string     `json:"name"`
	Version  string     `json:"version"`
	ReadOnly bool       `json:"read_only"`
	Database presence   `json:"database"`
	Limits   callLimits `json:"limits"`
	Toolsets []string   `json:"toolsets"`
	Tools    []string   `json:"tools"`
	// What keeps tools from being offered, or from working.
	Unavailable []Trouble `json:"unavailable,omitempty"`
	Degraded    []Trouble `json:"degraded,omitempty"`
	ReloadError string    `json:"reload_error,omitempty"`
	// What keeps connections of the pool.
	Stuck  []stuckBackend `json:"stuck_backends,omitempty"`
	Notice string         `json:"notice,omitempty"`
}

// stuckBackend is a backend that heeds neither cancellation nor termination. Callers with a role are not told which.
type stuckBackend struct {
	Since string `json:"since"`
	PID   uint32 `json:"pid,omitempty"`
	Tool  string `json:"tool,omitempty"`
}

// stuck are those of all callers.
func (r *Registry) stuck(ctx context.Context) (all []stuckBackend) {
	_, on := roleOf(ctx)
	for _, s := range r.config.DB.Stuck() {
		told := stuckBackend{Since: s.Since.UTC().Format(time.RFC3339)}
		if !on {
			told.PID, told.Tool = s.PID, s.Tool
		}
		all = append(all, told)
	}
	return all
}

// pingTimeout bounds the question whether the database is there.
const pingTimeout = 2 * time.Second

// Ping asks whether the database answers, and says in a few words what is wrong; empty where it does.
func (r *Registry) Ping(ctx context.Context) string {
	var down *postgres.Unavailable
	switch _, err := r.config.DB.Run(ctx, postgres.Call{SQL: "SELECT 1", Prepare: true, Timeout: pingTimeout},
		&firstColumn{}); {
	case errors.Is(err, postgres.ErrNoDatabase):
		return "none is connected"
	case errors.As(err, &down):
		return down.Reason
	case err != nil:
		return "it does not answer"
	}
	return ""
}

// Trouble says why a tool is not offered, or does not work.
type Trouble struct {
	Tool   string `json:"tool"`
	Reason string `json:"reason"`
}

// presence says whether the database answers.
type presence struct {
	Configured    bool   `json:"configured"`
	Available     bool   `json:"available"`
	ServerVersion string `json:"server_version,omitempty"`
}

// callLimits are those of one call, as server_info shows them.
type callLimits struct {
	TimeoutMS int64 `json:"timeout_ms"`
	Rows      int   `json:"rows"`
	Bytes     int   `json:"bytes"`
	CellBytes int   `json:"cell_bytes"`
}

func serverInfoDefinition() *catalog.Tool {
	return &catalog.Tool{
		Name: serverInfoName, Title: "Server info", Access: catalog.Read, Hints: catalog.Hints{Idempotent: true},
		Result: catalog.Object,
		Description: "Tells this server's version, limits and tools, and whether the database answers. Use it when other " +
			"tools fail.",
	}
}

// schemaOf makes an output schema from a Go type, for answers that do not come from SQL.
func schemaOf(v any) (json.RawMessage, error) {
	r := jsonschema.Reflector{DoNotReference: true, Anonymous: true, AllowAdditionalProperties: true}
	s := r.Reflect(v)
	s.Version = ""
	return json.Marshal(s)
}

type serverInfoTool struct {
	*Registry
}

func (s *serverInfoTool) call(ctx context.Context, _ *call) (*Answer, error) {
	info := s.StatusFor(ctx)
	info.Stuck = s.stuck(ctx)
	var err error
	info.Database, err = s.presence(ctx)
	if errors.Is(err, postgres.ErrNoDatabase) {
		info.Notice = noticeNone
	} else if e, told := userMessage(err, ""); told && err != nil {
		info.Notice = e.Message
	} else if err != nil {
		return nil, err
	}
	body, err := json.Marshal(info)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	return jsonAnswer(body), nil
}

// presence asks whether the database answers.
func (r *Registry) presence(ctx context.Context) (presence, error) {
	var version firstColumn
	ctx, cancel := context.WithTimeout(ctx, infoWait)
	defer cancel()
	_, err := r.config.DB.Run(ctx, postgres.Call{SQL: "SELECT pg_catalog.current_setting('server_version')", Prepare: true,
		Timeout: infoWait}, &version)
	p := presence{Configured: !errors.Is(err, postgres.ErrNoDatabase)}
	if len(version.values) == 1 {
		p.Available, p.ServerVersion = true, version.values[0]
	}
	return p, err
}
