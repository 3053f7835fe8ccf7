package serve

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// quota counts what callers have of something, up to a maximum for each and one for all. It is safe for concurrent use.
type quota struct {
	mostOf, mostAll int

	mu  sync.Mutex
	all int
	of  map[string]int // by caller
}

func newQuota(mostOf, mostAll int) *quota {
	return &quota{mostOf: mostOf, mostAll: mostAll, of: map[string]int{}}
}

// take reports whether a caller may have n more; give takes them back.
func (q *quota) take(caller string, n int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all+n > q.mostAll || q.of[caller]+n > q.mostOf {
		return false
	}
	q.all += n
	q.of[caller] += n
	return true
}

func (q *quota) give(caller string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all -= n
	if q.of[caller] -= n; q.of[caller] == 0 {
		delete(q.of, caller)
	}
}

const (
	// maxSessions bounds the streams that only listen, sessions of SSE and subscriptions; maxSessionsOf those of one
	// caller.
	maxSessions   = 1000
	maxSessionsOf = 100
	// maxBytesOf bounds the messages of one caller that are not answered yet, maxBytesAll those of all. A message takes
	// about three times its size while it waits.
	maxBytesOf  = 2 * maxMessage
	maxBytesAll = 16 * maxMessage
)

var errLoad = errors.New("too many bytes of requests wait for their answers: try again in a moment")

// charge is what one message takes of the memory for messages, from its first byte until its answer.
type charge struct {
	load        *quota
	caller      string
	body        io.Reader
	read, bytes int
}

// reserve takes room for n bytes, if there is.
func (c *charge) reserve(n int) bool {
	if !c.load.take(c.caller, n) {
		return false
	}
	c.bytes += n
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
	c.load.give(c.caller, c.bytes)
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
	all       map[string]*peer // by remote address and port, which the requests of a connection have too
	strangers map[string]int   // by network
	unknown   int              // all strangers
}

type peer struct {
	conn    net.Conn
	network string
	since   time.Time // it waits for a request
	known   bool
	active  bool // a request is being answered
}

func newConnections() *connections {
	return &connections{all: map[string]*peer{}, strangers: map[string]int{}}
}

// state is http.Server.ConnState. A connection is new until the header of its first request has come.
func (cs *connections) state(c net.Conn, s http.ConnState) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	p := cs.all[c.RemoteAddr().String()]
	switch {
	case s == http.StateNew:
		cs.add(c)
	case p == nil || p.conn != c: // it was closed here
	case s == http.StateClosed, s == http.StateHijacked:
		cs.drop(p)
	default:
		p.active, p.since = s == http.StateActive, time.Now()
	}
}

func (cs *connections) add(c net.Conn) {
	address := c.RemoteAddr().String()
	if old := cs.all[address]; old != nil { // it has ended, and its end is not noticed yet
		cs.drop(old)
	}
	p := &peer{conn: c, network: networkOf(address), since: time.Now()}
	cs.all[address] = p
	cs.strangers[p.network]++
	cs.unknown++
	if cs.unknown > maxStrangers || len(cs.all) > maxConnections {
		cs.evict(p)
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
func (cs *connections) evict(newest *peer) {
	victim := newest
	for _, p := range cs.all {
		if p != newest && !(p.known && (p.active || cs.unknown > maxStrangers)) &&
			(victim == newest || cs.before(p, victim)) {
			victim = p
		}
	}
	cs.drop(victim)
	conn := victim.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn() // without a farewell, which could block
	}
	_ = conn.Close() // its reader ends
}

// before reports whether a is closed before b.
func (cs *connections) before(a, b *peer) bool {
	switch of, other := cs.strangers[a.network], cs.strangers[b.network]; {
	case of != other:
		return of > other
	case a.active != b.active:
		return b.active
	}
	return a.since.Before(b.since)
}

func (cs *connections) drop(p *peer) {
	delete(cs.all, p.conn.RemoteAddr().String())
	if !p.known {
		cs.forget(p)
	}
}

func (cs *connections) forget(stranger *peer) {
	cs.unknown--
	if cs.strangers[stranger.network]--; cs.strangers[stranger.network] == 0 {
		delete(cs.strangers, stranger.network)
	}
}

// know notes that a request from the address has been let in.
func (cs *connections) know(address string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if p := cs.all[address]; p != nil && !p.known {
		p.known = true
		cs.forget(p)
	}
}
