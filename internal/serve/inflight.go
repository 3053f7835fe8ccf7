package serve

import (
	"context"
	"sync"
	"sync/atomic"
)

// maxInFlight bounds the requests of one connection that are not answered yet, maxInFlightBytes their size.
const (
	maxInFlight      = 10_000
	maxInFlightBytes = 16 * maxMessage
)

// inFlight are the requests that are not answered yet; they can be cancelled.
type inFlight struct {
	mu     sync.Mutex
	all    map[*pending]struct{}
	bytes  int
	idle   chan struct{} // closed when nothing is in flight, once somebody waits for that
	closed bool
}

// pending is one of them.
type pending struct {
	key    string // of its id: what a cancellation names; several may have the same
	cancel context.CancelFunc
	bytes  int
	// cancelled says that the client has cancelled the request: it wants no answer.
	cancelled atomic.Bool
}

func newInFlight() *inFlight { return &inFlight{all: map[*pending]struct{}{}} }

// add reports false if there are too many.
func (in *inFlight) add(p *pending) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || len(in.all) >= maxInFlight || in.bytes >= maxInFlightBytes {
		return false
	}
	in.all[p] = struct{}{}
	in.bytes += p.bytes
	return true
}

// end ends a request, which may not have been added.
func (in *inFlight) end(p *pending) {
	p.cancel()
	in.mu.Lock()
	defer in.mu.Unlock()
	if _, ok := in.all[p]; !ok {
		return
	}
	delete(in.all, p)
	in.bytes -= p.bytes
	if len(in.all) == 0 && in.idle != nil {
		close(in.idle)
		in.idle = nil
	}
}

// cancel ends the requests with the key, whether they run or wait for their turn.
func (in *inFlight) cancel(key string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for p := range in.all {
		if p.key == key {
			p.cancelled.Store(true)
			p.cancel()
		}
	}
}

// close ends every request; later ones are refused.
func (in *inFlight) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	for p := range in.all {
		p.cancel()
	}
}

// drained is closed when no request is in flight.
func (in *inFlight) drained() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.idle == nil {
		in.idle = make(chan struct{})
	}
	idle := in.idle
	if len(in.all) == 0 {
		close(idle)
		in.idle = nil
	}
	return idle
}
