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

// flights are requests in flight that can be cancelled.
type flights struct {
	mu     sync.Mutex
	all    map[*flight]struct{}
	bytes  int
	idle   chan struct{} // closed when nothing is in flight, once somebody waits for that
	closed bool
}

// flight is a request in flight.
type flight struct {
	key    string // of its id: what a cancellation names; several may have the same
	cancel context.CancelFunc
	bytes  int
	// cancelled says that the client has cancelled the request: it wants no answer.
	cancelled atomic.Bool
}

func newFlights() *flights { return &flights{all: map[*flight]struct{}{}} }

// add reports false if there are too many.
func (fs *flights) add(f *flight) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed || len(fs.all) >= maxInFlight || fs.bytes >= maxInFlightBytes {
		return false
	}
	fs.all[f] = struct{}{}
	fs.bytes += f.bytes
	return true
}

// end ends a request, which may not have been added.
func (fs *flights) end(f *flight) {
	f.cancel()
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if _, ok := fs.all[f]; !ok {
		return
	}
	delete(fs.all, f)
	fs.bytes -= f.bytes
	if len(fs.all) == 0 && fs.idle != nil {
		close(fs.idle)
		fs.idle = nil
	}
}

// cancel ends the requests with the key, whether they run or wait for their turn.
func (fs *flights) cancel(key string) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for f := range fs.all {
		if f.key == key {
			f.cancelled.Store(true)
			f.cancel()
		}
	}
}

// close ends every request; later ones are refused.
func (fs *flights) close() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.closed = true
	for f := range fs.all {
		f.cancel()
	}
}

// drained is closed when no request is in flight.
func (fs *flights) drained() <-chan struct{} {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.idle == nil {
		fs.idle = make(chan struct{})
	}
	idle := fs.idle
	if len(fs.all) == 0 {
		close(idle)
		fs.idle = nil
	}
	return idle
}
