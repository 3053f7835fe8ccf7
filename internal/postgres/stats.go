package postgres

import "time"

// Stats is the state of the connections.
type Stats struct {
	Max, Idle, Used, Opening int
	// Stuck are those of Used whose backend can't be stopped.
	Stuck int
	// Waits counts calls that had to wait for a connection, and WaitTime how long in all.
	Waits    int64
	WaitTime time.Duration
}

// Stats says how the connections are used at the moment; all is zero without a database.
func (db *DB) Stats() Stats {
	if db.pool == nil {
		return Stats{}
	}
	s := db.pool.Stat()
	return Stats{Max: int(s.MaxConns()), Idle: int(s.IdleConns()), Used: int(s.AcquiredConns()), Opening: int(s.ConstructingConns()), Stuck: len(db.Stuck()),
		Waits: s.EmptyAcquireCount(), WaitTime: s.EmptyAcquireWaitTime()}
}
