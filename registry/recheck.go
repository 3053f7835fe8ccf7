package registry

import "sync"

// Recheck collects the names of tools that the database is to describe again, as what a call came to does not fit the
// last description. It is safe for concurrent use.
type Recheck struct {
	mu    sync.Mutex
	names map[string]bool
	added chan struct{}
}

// NewRecheck makes an empty Recheck.
func NewRecheck() *Recheck {
	return &Recheck{names: map[string]bool{}, added: make(chan struct{}, 1)}
}

// Added receives after a name was added.
func (r *Recheck) Added() <-chan struct{} { return r.added }

// Take returns the names and forgets them.
func (r *Recheck) Take() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.names
	r.names = map[string]bool{}
	return names
}

// add does not block.
func (r *Recheck) add(tool string) {
	r.mu.Lock()
	r.names[tool] = true
	r.mu.Unlock()
	select {
	case r.added <- struct{}{}:
	default:
	}
}
