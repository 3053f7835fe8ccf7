package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

const (
	// maxSessions bounds the streams that only listen, maxSessionsOf those of one caller.
	maxSessions   = 1000
	maxSessionsOf = 100
)

// streamLimit counts the streams that are open: sessions of SSE, and subscriptions.
type streamLimit struct {
	mu  sync.Mutex
	all int
	of  map[string]int // by caller
}

func newStreamLimit() *streamLimit { return &streamLimit{of: map[string]int{}} }

// take reports whether a caller may have one more; give takes it back.
func (s *streamLimit) take(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxSessions || s.of[caller] >= maxSessionsOf {
		return false
	}
	s.all++
	s.of[caller]++
	return true
}

func (s *streamLimit) give(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[caller]--; s.of[caller] == 0 {
		delete(s.of, caller)
	}
}

const (
	// maxBytesOf bounds the messages of one caller that are not answered yet, maxBytesAll those of all. A message takes
	// about three times its size while it waits.
	maxBytesOf  = 2 * maxMessage
	maxBytesAll = 16 * maxMessage
)

var errLoad = errors.New("too many bytes of requests wait for their answers: try again in a moment")

// load is the messages that are in memory, from their first byte until their answer, by caller.
type load struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

func newLoad() *load { return &load{of: map[string]int{}} }

// charge is what one message takes of it.
type charge struct {
	load        *load
	caller      string
	body        io.Reader
	read, bytes int
}

// reserve takes room for n bytes, if there is.
func (c *charge) reserve(n int) bool {
	l := c.load
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all+n > maxBytesAll || l.of[c.caller]+n > maxBytesOf {
		return false
	}
	c.bytes += n
	l.all += n
	l.of[c.caller] += n
	return true
}

// Read implements io.Reader. What is longer than was reserved takes room as it comes.
func (c *charge) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if c.read += n; c.read > c.bytes && !c.reserve(c.read-c.bytes) {
		return 0, errLoad
	}
	return n, err
}

// end takes the message out again; a second time does nothing.
func (c *charge) end() {
	l := c.load
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all -= c.bytes
	if l.of[c.caller] -= c.bytes; l.of[c.caller] == 0 {
		delete(l.of, c.caller)
	}
	c.bytes = 0
}

const (
	// maxConnections bounds the connections that are open, maxStrangers those of whose requests none has been let in.
	maxConnections = 4096
	maxStrangers   = 256
)

// connections bounds how many are open: each takes memory before anybody has shown a token. When there are too many,
// the one is closed that has waited longest for a request, of the address that has most of them, so that a flood is
// in its own way.
type connections struct {
	mu        sync.Mutex
	all       map[net.Conn]*peer
	strangers map[string]int // by address
	unknown   int            // all strangers
}

type peer struct {
	address string
	since   time.Time // it waits for a request
	known   bool
	active  bool // a request is being answered
}

func newConnections() *connections {
	return &connections{all: map[net.Conn]*peer{}, strangers: map[string]int{}}
}

type connectionKey struct{}

// context is http.Server.ConnContext.
func (cs *connections) context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, c)
}

// state is http.Server.ConnState. A connection is new until the header of its first request has come.
func (cs *connections) state(c net.Conn, s http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	p := cs.all[c]
	switch {
	case s == http.StateNew:
		cs.add(c)
	case p == nil: // it was closed here
	case s == http.StateClosed, s == http.StateHijacked:
		cs.drop(c, p)
	default:
		p.active, p.since = s == http.StateActive, time.Now()
	}
}

func (cs *connections) add(c net.Conn) {
	address := networkOf(c.RemoteAddr().String())
	cs.all[c] = &peer{address: address, since: time.Now()}
	cs.strangers[address]++
	cs.unknown++
	if cs.unknown > maxStrangers || len(cs.all) > maxConnections {
		cs.evict(c)
	}
}

// networkOf is the address of a peer. With IPv6 it is that of its network, in which one machine has as many addresses
// as it likes.
func networkOf(peer string) string {
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return peer
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, _ := ip.Prefix(bits) // both have as many
	return network.String()
}

// evict closes one connection to make room for the newest, or the newest itself if all others are at work for callers.
func (cs *connections) evict(newest net.Conn) {
	victim, worst := newest, (*peer)(nil)
	for c, p := range cs.all {
		if c != newest && !(p.known && (p.active || cs.unknown > maxStrangers)) && (worst == nil || cs.before(p, worst)) {
			victim, worst = c, p
		}
	}
	cs.drop(victim, cs.all[victim])
	if t, ok := victim.(*tls.Conn); ok {
		victim = t.NetConn() // without a farewell, which could block
	}
	_ = victim.Close() // its reader ends
}

// before reports whether a is closed rather than b.
func (cs *connections) before(a, b *peer) bool {
	switch of, other := cs.strangers[a.address], cs.strangers[b.address]; {
	case of != other:
		return of > other
	case a.active != b.active:
		return b.active
	}
	return a.since.Before(b.since)
}

func (cs *connections) drop(c net.Conn, p *peer) {
	delete(cs.all, c)
	if !p.known {
		cs.forget(p)
	}
}

func (cs *connections) forget(stranger *peer) {
	cs.unknown--
	if cs.strangers[stranger.address]--; cs.strangers[stranger.address] == 0 {
		delete(cs.strangers, stranger.address)
	}
}

// know wraps what only requests reach that have been let in.
func (cs *connections) know(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connectionKey{}).(net.Conn); ok {
			cs.mu.Lock()
			if p := cs.all[c]; p != nil && !p.known {
				p.known = true
				cs.forget(p)
			}
			cs.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}
