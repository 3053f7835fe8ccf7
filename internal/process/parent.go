package process

import (
	"context"
	"errors"
	"time"
)

// ErrParentGone is the cause of a context that WithParent has ended.
var ErrParentGone = errors.New("the process that started the server has ended")

// lookTime is the pause between two looks at the parent. Both systems that tell of its end, Linux and Windows, do it
// in ways of their own; looking works everywhere and costs one system call.
const lookTime = time.Second

// WithParent returns a context that ends when the process that started this one does. Over stdio that is the client:
// one that was killed may leave its end of the pipe open in a child of its own, and standard input never ends. A
// process that is meant to outlive its parent, or has none, has a context that only done ends: one that was started
// by init, by a service manager as process 1, in a container, or with SIGHUP ignored, as nohup does. done must be
// called.
func WithParent(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p, ok := parent()
	if !ok {
		return ctx, func() { cancel(nil) }
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer p.close()
		look := time.NewTicker(lookTime)
		defer look.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-look.C:
				if p.gone() {
					cancel(ErrParentGone)
				}
			}
		}
	}()
	return ctx, func() { cancel(nil); <-ended }
}
