package guard

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Bounds of what the guard remembers.
const (
	maxRemembered      = 1000
	maxRememberedBytes = 1 << 20 // of SQL
	rememberedFor      = 30 * time.Second
)

// memoryKey holds what a decision depends on besides the contents of the database. The search path is that of the role.
type memoryKey struct {
	sql   string
	role  *Role
	login string
	// path and form are those of the text of an object, which is no SQL of a caller.
	path, form string
}

func (s subject) key() memoryKey { return memoryKey{sql: s.sql, role: s.role, login: s.login} }

// decided is what was decided on, and until when that stands.
type decided struct {
	statement *sqlscan.Statement
	verify    *postgres.Verify
	clean     bool
	until     time.Time
	// refusal is why it does not run; nil for what is allowed.
	refusal *Refusal
}

// memory keeps the last decisions. It is safe for concurrent use.
type memory struct {
	mu    sync.Mutex
	all   *simplelru.LRU[memoryKey, decided]
	bytes int
}

func newMemory() *memory {
	m := &memory{}
	removed := func(k memoryKey, _ decided) { m.bytes -= len(k.sql) }
	m.all, _ = simplelru.NewLRU(maxRemembered, removed) // it fails for no entries only
	return m
}

func (m *memory) get(key memoryKey) (decided, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.all.Get(key)
	return d, ok && time.Now().Before(d.until)
}

func (m *memory) put(key memoryKey, d decided) {
	if d.until.IsZero() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.Remove(key)
	m.all.Add(key, d)
	m.bytes += len(key.sql)
	for m.bytes > maxRememberedBytes {
		m.all.RemoveOldest()
	}
}

func (m *memory) forget(key memoryKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.Remove(key)
}

func (m *memory) purge() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all.Purge()
}
