package serve

import "sync"

const (
	// maxSessions bounds the streams that only listen, maxSessionsOf those of one caller.
	maxSessions   = 1000
	maxSessionsOf = 100
)

// streams counts the streams that are open: sessions of SSE, and subscriptions.
type streams struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by caller
}

// take reports whether a caller may have one more; give takes it back.
func (s *streams) take(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxSessions || s.of[caller] >= maxSessionsOf {
		return false
	}
	s.all++
	s.of[caller]++
	return true
}

func (s *streams) give(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[caller]--; s.of[caller] == 0 {
		delete(s.of, caller)
	}
}
