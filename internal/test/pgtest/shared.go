package pgtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"mcp-postgres/internal/demo"
)

// shared is the server of this test process. It is a package variable because the tests of a package have
// nothing else in common: testing hands no value from TestMain to them.
var shared server

type server struct {
	mu       sync.Mutex
	opened   bool          // Main is in charge
	cluster  *demo.Cluster // nil until asked for, and with TEST_DATABASE_URL
	url      string        // of a superuser; empty until asked for
	template string        // the database with the sample data; empty until asked for
}

func (s *server) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = true
}

// admin is the superuser's connection string; the first call starts the server.
func (s *server) admin(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start(t)
}

// demo is admin and the name of the template; the first call loads it.
func (s *server) demo(t testing.TB) (admin, template string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	admin = s.start(t)
	if s.template != "" {
		return admin, s.template
	}
	template = newName("template")
	Exec(t, admin, "CREATE DATABASE "+template)
	if err := demo.LoadSample(t.Context(), withDatabase(t, admin, template)); err != nil {
		t.Fatal(errors.Join(err, execute(admin, dropDatabase(template))))
	}
	s.template = template
	return admin, template
}

func (s *server) start(t testing.TB) string {
	t.Helper()
	if !s.opened {
		t.Fatal("pgtest: no server without a TestMain: want func TestMain(m *testing.M) { pgtest.Main(m) }")
	}
	if s.url != "" {
		return s.url
	}
	if url := os.Getenv("TEST_DATABASE_URL"); url != "" {
		s.url = url
		return url
	}
	c, err := demo.Start(t.Context(), demo.Config{
		BinDir:   installed(t),
		Settings: map[string]string{"max_connections": "200"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.cluster, s.url = c, c.AdminURL()
	return s.url
}

// close removes what is not of a single test.
func (s *server) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster != nil {
		return s.cluster.Stop()
	}
	if s.template == "" {
		return nil
	}
	if err := execute(s.url, dropDatabase(s.template)); err != nil {
		return fmt.Errorf("dropping the template: %w", err)
	}
	return nil
}
