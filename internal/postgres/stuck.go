package postgres

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Some statements heed neither cancellation nor termination, such as a search in one huge text: PostgreSQL looks for
// signals between rows and in loops that it knows to be long, and nobody can list all others. The call is answered at
// its time limit all the same. The connection, its place in the pool and the caller's turn are kept until the backend
// is at rest or gone.

// Turn is the right of a call to run, which whoever gives it shares out between callers.
type Turn interface {
	// Keep says that a backend may go on when the call is answered. The turn ends with the Free of what it returns.
	Keep() Kept
}

// Kept is a turn that outlasts the answer to its call.
type Kept interface {
	// Stuck says that the backend heeds neither cancellation nor termination.
	Stuck()
	// Free says that the backend is at rest, or gone.
	Free()
}

// Stuck is a backend that heeds neither cancellation nor termination.
type Stuck struct {
	// PID is zero behind a pooler that hides it.
	PID   uint32
	Since time.Time
	// Tool is the name of the tool that was called.
	Tool string
}

type noTurn struct{}

func (noTurn) Stuck() {}

func (noTurn) Free() {}

// stuckBackends are those of one DB, by their connections.
type stuckBackends struct {
	mu  sync.Mutex
	all map[*session]Stuck

	asking sync.Mutex // one connection at a time asks about them
}

// Stuck are the backends that can't be stopped, the oldest first.
func (db *DB) Stuck() []Stuck {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	return slices.SortedFunc(maps.Values(db.stuck.all), func(a, b Stuck) int { return a.Since.Compare(b.Since) })
}

// addStuck notes a backend; false means that the DB is being closed.
func (db *DB) addStuck(s *session, about Stuck) bool {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	if db.pool.closing.Err() != nil {
		return false
	}
	if db.stuck.all == nil {
		db.stuck.all = map[*session]Stuck{}
	}
	db.stuck.all[s] = about
	return true
}

func (db *DB) removeStuck(s *session) {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	delete(db.stuck.all, s)
}

// leaveStuck ends the wait for all of them. The DB must be closing, so that no other is added.
func (db *DB) leaveStuck() {
	db.stuck.mu.Lock()
	defer db.stuck.mu.Unlock()
	for s := range db.stuck.all {
		_ = s.pc.Conn().Close()
	}
}

// stop ends what the backend of a connection that is given up may still be doing. It returns when the backend is at
// rest or gone.
func (db *DB) stop(s *session, kept Kept, about Stuck) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*cancelGrace)
	defer cancel()
	if s.pc.IsClosed() || !s.awaiting() || s.pc.CancelRequest(ctx) == nil && s.quiet(cancelGrace) {
		return
	}
	b := &backend{pid: s.pid}
	gone, err := db.terminate(b)
	db.log.Warn("a statement did not heed its cancellation: its backend is terminated", "pid", b.pid, "error", err)
	if gone || s.quiet(cancelGrace) || !db.addStuck(s, about) {
		return
	}
	defer db.removeStuck(s)
	kept.Stuck()
	log := db.log.With("pid", about.PID, "since", about.Since, "tool", about.Tool)
	log.Error("a backend heeds neither cancellation nor termination: its connection is kept until it has ended")
	for wait := firstAsk; !db.atRest(s, b, wait); wait = min(2*wait, lastAsk) {
	}
	if db.pool.closing.Err() != nil {
		log.Warn("a backend that could not be stopped is left at work")
		return
	}
	log.Info("a backend that could not be stopped has ended")
}

// firstAsk and lastAsk are the shortest and the longest time between two questions about a backend.
const (
	firstAsk = 250 * time.Millisecond
	lastAsk  = 5 * time.Second
)

// backend is a process of the server. One that follows with the same number has another start.
type backend struct {
	pid   uint32
	start string
}

// atRest waits a while, and reports whether the backend is at rest or gone. Its connection shows that. A pooler may
// have closed that and left the backend at work: then only pg_stat_activity shows it.
func (db *DB) atRest(s *session, b *backend, wait time.Duration) bool {
	switch open := !s.pc.IsClosed(); {
	case open && s.quiet(wait):
		lost := s.awaiting() && s.pooled && b.pid != 0 // by the pooler: the backend is asked for next time
		return !lost || db.pool.closing.Err() != nil
	case !open:
		time.Sleep(wait)
	}
	if db.pool.closing.Err() != nil {
		return true
	}
	gone, err := db.terminate(b)
	if err != nil {
		db.log.Debug("asking about a backend that can't be stopped", "error", err)
	}
	return gone
}

// terminateSQL ends a backend, unless it is at rest. It gives no row for one that is gone.
const terminateSQL = `SELECT a.backend_start::pg_catalog.text, pg_catalog.pg_terminate_backend(a.pid)
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid OPERATOR(pg_catalog.=) $1 AND (a.state OPERATOR(pg_catalog.=) 'idle') IS NOT TRUE
  AND ($2::pg_catalog.text OPERATOR(pg_catalog.=) '' OR a.backend_start::pg_catalog.text OPERATOR(pg_catalog.=) $2)`

// terminate asks for the end of a backend of ours by a connection of its own, for the pool's may all be taken.
func (db *DB) terminate(b *backend) (gone bool, err error) {
	if b.pid == 0 {
		return false, errors.New("a pooler hides the backend")
	}
	db.stuck.asking.Lock()
	defer db.stuck.asking.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	conf, err := db.pool.config(ctx)
	if err != nil {
		return false, err
	}
	conf.RuntimeParams = maps.Clone(conf.RuntimeParams)
	conf.RuntimeParams["application_name"] = "mcp-postgres watch"
	conn, err := pgconn.ConnectConfig(ctx, conf)
	if err != nil {
		return false, err
	}
	args := [][]byte{strconv.AppendUint(nil, uint64(b.pid), 10), []byte(b.start)}
	answer := conn.ExecParams(ctx, terminateSQL, args, nil, nil, nil).Read()
	if err := errors.Join(answer.Err, conn.Close(ctx)); err != nil {
		return false, err
	}
	if len(answer.Rows) == 0 {
		return true, nil
	}
	b.start = string(answer.Rows[0][0])
	return false, nil
}
