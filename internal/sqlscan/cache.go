package sqlscan

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxCacheBytes bounds the SQL that an Analyzer keeps; what it knows of it takes memory in proportion.
const maxCacheBytes = 1 << 20

// Analyzer is Analyze with a memory of the statements that were asked for last. It is safe for concurrent use.
type Analyzer struct {
	mu    sync.Mutex
	cache *simplelru.LRU[string, *Statement]
	bytes int
}

// NewAnalyzer makes an Analyzer that remembers at most that many statements; entries must be positive.
func NewAnalyzer(entries int) *Analyzer {
	a := &Analyzer{}
	cache, err := simplelru.NewLRU(entries, func(sql string, _ *Statement) { a.bytes -= len(sql) })
	if err != nil {
		panic(err) // entries is not positive
	}
	a.cache = cache
	return a
}

// Analyze is the function Analyze. The Statement is shared: it must not be changed.
func (a *Analyzer) Analyze(sql string) (*Statement, error) {
	a.mu.Lock()
	st, ok := a.cache.Get(sql)
	a.mu.Unlock()
	if ok {
		return st, nil
	}
	st, err := Analyze(sql)
	if err == nil {
		a.keep(sql, st)
	}
	return st, err
}

func (a *Analyzer) keep(sql string, st *Statement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cache.Contains(sql) {
		return
	}
	a.cache.Add(sql, st)
	a.bytes += len(sql)
	for a.bytes > maxCacheBytes {
		a.cache.RemoveOldest()
	}
}
