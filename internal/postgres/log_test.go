package postgres_test

import (
	"bytes"
	"log/slog"
	"sync"

	"mcp-postgres/internal/postgres"
)

// lines keeps a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// into is for open.
func (l *lines) into(c *postgres.Config) { c.Logger = slog.New(slog.NewTextHandler(l, nil)) }
