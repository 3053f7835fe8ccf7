package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// open gives a DB on url with the zero Config but for what change sets.
func open(t *testing.T, url string, change ...func(*postgres.Config)) *postgres.DB {
	t.Helper()
	c := postgres.Config{URL: url, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, f := range change {
		f(&c)
	}
	db, err := postgres.Open(context.Background(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(db.Close)
	return db
}

// rows is a sink that keeps everything as JSON.
type rows struct {
	cols  []postgres.Column
	json  []string // one array per row
	limit int      // rows after which it wants no more; zero is no limit
}

func (r *rows) Columns(cols []postgres.Column) { r.cols, r.json = cols, nil }

func (r *rows) Row(values [][]byte) bool {
	if r.limit > 0 && len(r.json) == r.limit {
		return false
	}
	line := []byte{'['}
	for i, v := range values {
		if i > 0 {
			line = append(line, ',')
		}
		line = r.cols[i].Type.AppendJSON(line, v)
	}
	r.json = append(r.json, string(append(line, ']')))
	return true
}

// run runs a call that must work.
func run(t *testing.T, db *postgres.DB, c postgres.Call) (*rows, postgres.Outcome) {
	t.Helper()
	sink := &rows{}
	out, err := db.Run(t.Context(), c, sink)
	if err != nil {
		t.Fatalf("Run(%q): %v", c.SQL, err)
	}
	return sink, out
}

// texts makes arguments.
func texts(values ...string) [][]byte {
	var list [][]byte
	for _, v := range values {
		list = append(list, []byte(v))
	}
	return list
}
