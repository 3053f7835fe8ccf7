package transport

import (
	"errors"
	"io"
	"sync"
)

const (
	// maxBytesOf bounds the messages of one caller that are not answered yet, maxBytesAll those of all. A message takes about
	// three times its size while it waits.
	maxBytesOf  = 4 * maxMessage
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
	load   *load
	caller string
	body   io.Reader
	bytes  int
}

// Read implements io.Reader.
func (c *charge) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	l := c.load
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all+n > maxBytesAll || l.of[c.caller]+n > maxBytesOf {
		return 0, errLoad
	}
	c.bytes += n
	l.all += n
	l.of[c.caller] += n
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
