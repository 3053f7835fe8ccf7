package serve

import (
	"context"
	"errors"
	"slices"
	"sync"

	"mcp-postgres/internal/postgres"
)

var (
	errBusy  = errors.New("too many calls wait for their turn: try again in a moment")
	errStuck = errors.New("earlier statements of this caller still run, because PostgreSQL can't interrupt them: " +
		"try again when they have ended, which may take minutes")
)

const (
	// maxWaiting bounds the calls of one caller that wait, maxWaitingAll those of all.
	maxWaiting    = 1000
	maxWaitingAll = 10_000
	// maxStuck bounds the backends that one caller can have at work on statements which nothing interrupts. A caller
	// may have as many as its share of the slots if all of them began before the first was known.
	maxStuck = 2
)

// fairSlots shares slots between callers: who waits is served one call per caller in turn, and while there are
// several slots no caller has all of them, so that a slow caller can't keep the others waiting. The caller with an
// empty name is the only one there is.
type fairSlots struct {
	share int // slots that one caller may have
	stuck int // and how many of them with backends that go on after the answer

	mu      sync.Mutex
	free    int
	callers map[string]*slotsOf
	order   []string // callers that wait; the next comes first
	waiting int
}

// slotsOf is what one caller has and waits for.
type slotsOf struct {
	running, kept, stuck int
	queue                []chan error
}

// turn is the turn of one call. It goes on while a backend does that has worked on the call.
type turn struct {
	turns  *fairSlots
	caller string
	uses   int // the call, and the backends
}

func newFairSlots(slots int) *fairSlots {
	share := slots
	if slots > 1 {
		share -= max(1, slots/4)
	}
	return &fairSlots{share: share, stuck: min(maxStuck, max(1, slots/2)), free: slots, callers: map[string]*slotsOf{}}
}

// of is the caller's entry.
func (t *fairSlots) of(caller string) *slotsOf {
	c := t.callers[caller]
	if c == nil {
		c = &slotsOf{}
		t.callers[caller] = c
	}
	return c
}

// now takes a turn if there is one at once.
func (t *fairSlots) now(caller string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.try(caller)
}

func (t *fairSlots) try(caller string) *turn {
	if c := t.callers[caller]; t.free == 0 || !t.may(caller) || c != nil && len(c.queue) > 0 {
		return nil
	}
	return t.start(caller)
}

// take waits for a turn.
func (t *fairSlots) take(ctx context.Context, caller string) (*turn, error) {
	t.mu.Lock()
	if got := t.try(caller); got != nil {
		t.mu.Unlock()
		return got, nil
	}
	if err := t.refuses(caller, t.of(caller)); err != nil {
		t.mu.Unlock()
		return nil, err
	}
	turned := make(chan error, 1)
	t.enqueue(caller, turned)
	t.mu.Unlock()
	select {
	case err := <-turned:
		if err != nil {
			return nil, err
		}
		return &turn{t, caller, 1}, nil
	case <-ctx.Done():
		t.leave(caller, turned)
		return nil, ctx.Err()
	}
}

func (t *fairSlots) enqueue(caller string, turned chan error) {
	c := t.of(caller)
	if c.queue = append(c.queue, turned); len(c.queue) == 1 {
		t.order = append(t.order, caller)
	}
	t.waiting++
}

// refuses says why a call of the caller may not even wait.
func (t *fairSlots) refuses(caller string, c *slotsOf) error {
	switch {
	case c.stuck >= t.stuck:
		return errStuck
	case caller != "" && len(c.queue) >= maxWaiting || t.waiting >= maxWaitingAll:
		t.tidy(caller)
		return errBusy
	}
	return nil
}

// may reports whether the caller may have one more. While it is not known whether a backend can be stopped, calls wait.
func (t *fairSlots) may(caller string) bool {
	c := t.callers[caller]
	return c == nil || c.kept < t.stuck && (caller == "" || c.running < t.share)
}

// full reports whether every slot is taken.
func (t *fairSlots) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free == 0
}

func (t *fairSlots) start(caller string) *turn {
	t.free--
	t.of(caller).running++
	return &turn{t, caller, 1}
}

// tidy drops the entry of a caller that has nothing and waits for nothing.
func (t *fairSlots) tidy(caller string) {
	if c := t.callers[caller]; c != nil && c.running == 0 && len(c.queue) == 0 {
		delete(t.callers, caller)
	}
}

// give ends the turn of a call that is answered, unless a backend keeps it.
func (u *turn) give() {
	u.turns.mu.Lock()
	defer u.turns.mu.Unlock()
	u.end()
}

func (u *turn) end() {
	t := u.turns
	if u.uses--; u.uses == 0 {
		t.free++
		t.of(u.caller).running--
		t.tidy(u.caller)
	}
	t.next()
}

// Keep implements postgres.Turn.
func (u *turn) Keep() postgres.Kept {
	u.turns.mu.Lock()
	defer u.turns.mu.Unlock()
	u.uses++
	u.turns.of(u.caller).kept++
	return &kept{turn: u}
}

// kept is a turn that a backend keeps.
type kept struct {
	*turn
	stuck bool
}

// Stuck implements postgres.Kept. Calls of the caller that wait are refused when it has too many such.
func (k *kept) Stuck() {
	t := k.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	k.stuck = true
	c := t.of(k.caller)
	if c.stuck++; c.stuck < t.stuck {
		return
	}
	for len(c.queue) > 0 {
		c.queue[0] <- errStuck
		t.dequeue(c, 0)
	}
	t.order = slices.DeleteFunc(t.order, func(caller string) bool { return caller == k.caller })
}

// Free implements postgres.Kept.
func (k *kept) Free() {
	t := k.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(k.caller)
	c.kept--
	if k.stuck {
		c.stuck--
	}
	k.end()
}

// next gives free slots to those who wait.
func (t *fairSlots) next() {
	for t.free > 0 {
		i := slices.IndexFunc(t.order, t.may)
		if i < 0 {
			return
		}
		caller := t.order[i]
		c := t.callers[caller]
		turned := c.queue[0]
		t.order = slices.Delete(t.order, i, i+1)
		t.dequeue(c, 0)
		if len(c.queue) > 0 {
			t.order = append(t.order, caller)
		}
		t.start(caller)
		turned <- nil
	}
}

// dequeue removes a waiting call; the caller's place in the order is left to who calls.
func (t *fairSlots) dequeue(c *slotsOf, i int) {
	t.waiting--
	c.queue = slices.Delete(c.queue, i, i+1)
}

// leave takes back a wait, or a turn that came at the same moment.
func (t *fairSlots) leave(caller string, turned chan error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.of(caller)
	i := slices.Index(c.queue, turned)
	if i < 0 {
		if <-turned == nil {
			(&turn{t, caller, 1}).end()
		}
		t.tidy(caller) // the wait may have been refused, and all else of the caller has ended since
		return
	}
	if t.dequeue(c, i); len(c.queue) == 0 {
		t.order = slices.DeleteFunc(t.order, func(waits string) bool { return waits == caller })
	}
	t.tidy(caller)
}
