package postgres

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// opening has the first connection of a pool made alone. PostgreSQL needs 10 to 20 ms of a processor for each, and the first
// call is not to wait for several that are made at once.
type opening struct {
	keeps   bool // the pool makes the first connection by itself
	begun   atomic.Bool
	calls   atomic.Int32 // that wait for a connection meanwhile
	first   chan struct{}
	rest    chan struct{}
	endOnce sync.Once
}

const (
	// openingTime bounds the wait for the first connection.
	openingTime = 100 * time.Millisecond
	// restTime is how much later the pool makes the others that it keeps.
	restTime = 200 * time.Millisecond
)

// newOpening begins; keeps says that the pool keeps connections, and makes them by itself.
func newOpening(keeps bool) *opening {
	o := &opening{keeps: keeps, first: make(chan struct{}), rest: make(chan struct{})}
	if keeps {
		time.AfterFunc(openingTime, o.end)
	}
	return o
}

// end says that the first connection is there, or is late.
func (o *opening) end() {
	o.endOnce.Do(func() {
		close(o.first)
		time.AfterFunc(restTime, func() { close(o.rest) })
	})
}

// connect is asked before each connection is made; its error ends that, as the end of closing does.
func (o *opening) connect(ctx, closing context.Context) error {
	next := o.rest
	switch {
	case !o.begun.Swap(true):
		if !o.keeps {
			time.AfterFunc(openingTime, o.end)
		}
		return nil
	case o.calls.Load() > 0:
		next = o.first
	}
	select {
	case <-next:
		return nil
	case <-closing.Done():
		return net.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call is asked before a call takes a connection; done must be called when it has one.
func (o *opening) call(ctx context.Context) (done func()) {
	select {
	case <-o.rest:
		return func() {}
	default:
	}
	o.calls.Add(1)
	if o.keeps || o.begun.Load() {
		select {
		case <-o.first:
		case <-ctx.Done():
		}
	}
	return func() { o.calls.Add(-1) }
}

func (db *DB) beforeConnect(ctx context.Context, c *pgx.ConnConfig) error {
	if ctx.Value(idleOnly{}) != nil {
		return errNoneIdle
	}
	if err := db.opening.connect(ctx, db.closing); err != nil {
		return err
	}
	db.pooler.limit(c)
	return nil
}

func (db *DB) afterConnect(_ context.Context, conn *pgx.Conn) error {
	defer db.opening.end()
	return db.pooler.lookAt(sessionOf(conn.PgConn(), db.pooler))
}
