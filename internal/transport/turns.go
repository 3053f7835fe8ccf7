package transport

import (
	"context"
	"errors"
	"slices"
	"sync"
)

var (
	errBusy      = errors.New("too many calls wait for their turn: try again in a moment")
	errCancelled = errors.New("the call was cancelled")
)

const (
	// maxWaiting bounds the calls of one caller that wait, maxWaitingAll those of all.
	maxWaiting    = 1000
	maxWaitingAll = 10_000
)

// turns shares slots between callers: who waits is served one call per caller in turn, and while there are several slots
// no caller has all of them, so that a slow caller can't keep the others waiting. The caller with an empty name is the
// only one there is.
type turns struct {
	share int // slots that one caller may have

	mu      sync.Mutex
	free    int
	running map[string]int
	queues  map[string][]chan struct{}
	order   []string // callers that wait; the next comes first
	waiting int
}

func newTurns(slots int) *turns {
	share := slots
	if slots > 1 {
		share -= max(1, slots/4)
	}
	return &turns{share: share, free: slots, running: map[string]int{}, queues: map[string][]chan struct{}{}}
}

// now takes a turn if there is one at once.
func (t *turns) now(caller string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.try(caller)
}

func (t *turns) try(caller string) bool {
	ok := t.free > 0 && t.may(caller) && len(t.queues[caller]) == 0
	if ok {
		t.start(caller)
	}
	return ok
}

// take waits for a turn; give ends it.
func (t *turns) take(ctx context.Context, caller string) error {
	t.mu.Lock()
	if t.try(caller) {
		t.mu.Unlock()
		return nil
	}
	if caller != "" && len(t.queues[caller]) >= maxWaiting || t.waiting >= maxWaitingAll {
		t.mu.Unlock()
		return errBusy
	}
	turn := make(chan struct{})
	if t.queues[caller] = append(t.queues[caller], turn); len(t.queues[caller]) == 1 {
		t.order = append(t.order, caller)
	}
	t.waiting++
	t.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		t.leave(caller, turn)
		return ctx.Err()
	}
}

func (t *turns) may(caller string) bool { return caller == "" || t.running[caller] < t.share }

// full reports whether every slot is taken.
func (t *turns) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free == 0
}

func (t *turns) start(caller string) {
	t.free--
	t.running[caller]++
}

func (t *turns) give(caller string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	if t.running[caller]--; t.running[caller] == 0 {
		delete(t.running, caller)
	}
	t.next()
}

// next gives free slots to those who wait.
func (t *turns) next() {
	for t.free > 0 {
		i := slices.IndexFunc(t.order, t.may)
		if i < 0 {
			return
		}
		caller := t.order[i]
		turn := t.queues[caller][0]
		t.order = slices.Delete(t.order, i, i+1)
		t.dequeue(caller, 0)
		if len(t.queues[caller]) > 0 {
			t.order = append(t.order, caller)
		}
		t.start(caller)
		close(turn)
	}
}

// dequeue removes a waiting call; the caller's place in the order is left to who calls.
func (t *turns) dequeue(caller string, i int) {
	t.waiting--
	if t.queues[caller] = slices.Delete(t.queues[caller], i, i+1); len(t.queues[caller]) == 0 {
		delete(t.queues, caller)
	}
}

// leave takes back a wait, or a turn that came at the same moment.
func (t *turns) leave(caller string, turn chan struct{}) {
	t.mu.Lock()
	i := slices.Index(t.queues[caller], turn)
	if i < 0 {
		t.mu.Unlock()
		t.give(caller)
		return
	}
	defer t.mu.Unlock()
	if t.dequeue(caller, i); len(t.queues[caller]) == 0 {
		t.order = slices.DeleteFunc(t.order, func(c string) bool { return c == caller })
	}
}
