package process

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrParentGone is the cause of a context that WithParent has ended.
var ErrParentGone = errors.New("the process that started the server has ended")

// pollTime is the pause between two looks at the parent. Polling is one cheap call, and works on every system: the
// signal of Linux goes by the thread that started the process, and macOS has none.
const pollTime = 5 * time.Second

// WithParent returns a context that ends when the process that started this one has ended. Over stdio that is the
// client: one that was killed may leave its end of the pipe open in a child of its own, so that standard input never
// ends. A process that has no parent, or is meant to outlive it, gets ctx: one that process 1 started, that is
// process 1 of a container, or that ignores SIGHUP, as nohup makes it do. cancel must be called.
func WithParent(ctx context.Context) (_ context.Context, cancel func()) {
	gone := parentGone()
	if gone == nil {
		return ctx, func() {}
	}
	ctx, end := context.WithCancelCause(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		for poll := time.Tick(pollTime); ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case <-poll:
				if gone() {
					end(ErrParentGone)
				}
			}
		}
	})
	return ctx, func() { end(nil); wait.Wait() }
}
