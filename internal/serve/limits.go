package serve

import (
	"errors"
	"io"
	"sync"
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
