package acceptance_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// walls say which of the two stand: the guard, which reads the statement, and the transaction, which is READ ONLY and is
// rolled back.
type walls struct{ guard, transaction bool }

// statementTimeout ends what runs on and on.
const statementTimeout = 2 * time.Second

// spy is the database below the registry. It counts the callers' statements that come so far, and can take the
// transaction's wall away, or put it up.
type spy struct {
	registry.Database
	walls   walls
	foreign atomic.Int64
}

func (s *spy) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if c.Untrusted {
		s.foreign.Add(1)
		switch {
		case !s.walls.transaction:
			c.Write = true
		case !s.walls.guard:
			c.Write = false
		}
	}
	return s.Database.Run(ctx, c, sink)
}

// server is the registry, as a session calls it.
type server struct {
	tools *registry.Registry
	spy   *spy
}

// newServer serves the world: without the guard there is only the envelope that every call has.
func newServer(t *testing.T, w *world, readOnly bool, stand walls) *server {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	db, err := postgres.Open(t.Context(), postgres.Config{URL: w.url, Logger: log, Timeout: statementTimeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	cat, err := catalog.Load(catalog.Source{FS: os.DirFS("../../../sql")})
	if err != nil {
		t.Fatal(err)
	}
	s := &spy{Database: db, walls: stand}
	r, err := registry.Build(registry.Config{DB: s, ReadOnly: readOnly && stand.guard, Timeout: statementTimeout, Logger: log}, registry.Set{Tools: cat.Tools})
	if err != nil {
		t.Fatal(err)
	}
	return &server{tools: r, spy: s}
}

// answer is what came of a call.
type answer struct {
	text    string
	isError bool
	reached bool // the statement reached the database
}

func (s *server) call(ctx context.Context, tool string, args json.RawMessage) answer {
	before := s.spy.foreign.Load()
	res, err := s.tools.Call(ctx, tool, args)
	if err != nil {
		return answer{text: err.Error(), isError: true}
	}
	return answer{text: text(res), isError: res.Err != nil, reached: s.spy.foreign.Load() > before}
}

// text is all that a client reads of an answer.
func text(res *registry.Answer) string { return strings.Join(res.Texts, "") + res.JSON }
