package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxConnections bounds the connections that are open, maxStrangers those of whose requests none has been let in.
	maxConnections = 4096
	maxStrangers   = 256
)

// connections bounds how many are open: each takes memory before anybody has shown a token. When there are too many, the
// one is closed that has waited longest for a request, of the address that has most of them, so that a flood is in its own
// way.
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
	address := c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	cs.all[c] = &peer{address: address, since: time.Now()}
	cs.strangers[address]++
	cs.unknown++
	if cs.unknown > maxStrangers {
		cs.evict(true)
	} else if len(cs.all) > maxConnections {
		cs.evict(false)
	}
}

// evict closes one connection that waits; the newest is among them.
func (cs *connections) evict(strangers bool) {
	var victim net.Conn
	var worst *peer
	for c, p := range cs.all {
		if p.active || strangers && p.known {
			continue
		}
		if worst == nil || cs.strangers[p.address] > cs.strangers[worst.address] ||
			cs.strangers[p.address] == cs.strangers[worst.address] && p.since.Before(worst.since) {
			victim, worst = c, p
		}
	}
	if victim == nil {
		return
	}
	cs.drop(victim, worst)
	if t, ok := victim.(*tls.Conn); ok {
		victim = t.NetConn() // without a farewell, which could block
	}
	_ = victim.Close() // its reader ends
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
