package transport

import (
	"context"
	"time"
)

// Hurry shortens the times between notifications of progress, between signs of life, and that a session may be silent.
func (t *Transport) Hurry(progress, heartbeat, idle time.Duration) {
	t.period = period{progress, heartbeat, idle}
}

// Turns are the turns of callers.
type Turns = turns

var (
	NewTurns = newTurns
	ErrBusy  = errBusy
)

func (t *turns) Take(ctx context.Context, caller string) error { return t.take(ctx, caller) }
func (t *turns) Give(caller string)                            { t.give(caller) }

const (
	MaxMessage = maxMessage
	MaxWaiting = maxWaiting
)

// Waiting is how many calls wait.
func (t *turns) Waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting
}
