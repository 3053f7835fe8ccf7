package serve

import (
	"errors"
	"io"
	"sync"
)

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
