package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// keyWait is how long a caller with an unknown key, and the start, wait for a fetch.
const keyWait = 3 * time.Second

// keys holds the newest key set of the issuer. One goroutine fetches: in intervals, and when a token names a key that
// is not known. While that fails the last good set stays.
type keys struct {
	source         source
	refresh, retry time.Duration
	log            *slog.Logger
	onFetch        func(error)

	set     atomic.Pointer[keySet] // nil until the first fetch that went well
	wake    chan struct{}          // asks for a fetch; has room for one
	limiter *rate.Limiter          // of fetches that tokens cause

	mu      sync.Mutex
	busy    bool          // a fetch runs or is asked for
	fetched chan struct{} // closed when it has ended
	failure error         // how the last fetch ended
}

func newKeys(c Config) *keys {
	return &keys{source: newSource(c), refresh: c.Refresh, retry: c.Retry, log: c.Logger, onFetch: c.OnFetch,
		wake: make(chan struct{}, 1), limiter: rate.NewLimiter(rate.Every(c.Retry), 1),
		fetched: make(chan struct{}), busy: true, failure: errors.New("the issuer has not been asked yet")}
}

// run fetches until ctx ends.
func (k *keys) run(ctx context.Context) {
	for ctx.Err() == nil {
		next := time.NewTimer(k.fetch(ctx))
		select {
		case <-ctx.Done():
		case <-next.C:
		case <-k.wake:
		}
		next.Stop()
	}
}

// fetch renews the set and says when to fetch next.
func (k *keys) fetch(ctx context.Context) time.Duration {
	k.mu.Lock()
	k.busy = true
	select {
	case <-k.wake: // this fetch serves that wish too
	default:
	}
	k.mu.Unlock()
	err := k.renew(ctx)
	k.onFetch(err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.report(ctx, err)
	k.busy, k.failure = false, err
	close(k.fetched)
	k.fetched = make(chan struct{})
	if err != nil {
		return k.retry
	}
	return k.refresh
}

func (k *keys) renew(ctx context.Context) error {
	body, err := k.source.keys(ctx)
	if err != nil {
		return err
	}
	s, err := parseKeySet(body)
	if err != nil {
		return err
	}
	if old := k.set.Load(); old == nil || old.digest != s.digest {
		k.set.Store(s)
		k.log.InfoContext(ctx, "key set loaded", "issuer", k.source.issuer, "keys", len(s.keys))
	}
	return nil
}

// report logs changes, so that an outage is a line and not one each try.
func (k *keys) report(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && (k.failure == nil || k.failure.Error() != err.Error()):
		k.log.WarnContext(ctx, "fetching the issuer's keys failed; the last ones stay", "issuer", k.source.issuer, "loaded",
			k.set.Load() != nil, "error", err)
	case err == nil && k.failure != nil:
		k.log.InfoContext(ctx, "the issuer's keys can be fetched", "issuer", k.source.issuer)
	}
}

// newer gives a set other than old, which lacks a key. It causes a fetch, but only one each retry interval: who sends
// tokens with invented keys can't make this server flood the issuer.
func (k *keys) newer(ctx context.Context, old *keySet) *keySet {
	k.mu.Lock()
	if s := k.set.Load(); s != old {
		k.mu.Unlock()
		return s
	}
	if !k.busy && k.limiter.Allow() {
		k.busy = true
		k.wake <- struct{}{}
	}
	busy, fetched := k.busy, k.fetched
	k.mu.Unlock()
	if busy {
		wait(ctx, fetched)
	}
	return k.set.Load()
}

// wait waits for done, not longer than keyWait.
func wait(ctx context.Context, done <-chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, keyWait)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-done:
	}
}

// current gives what is closed when the next fetch has ended, and how the last one did.
func (k *keys) current() (fetched <-chan struct{}, failure error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fetched, k.failure
}

// ready says why no token can be verified.
func (k *keys) ready() error {
	_, failure := k.current()
	switch s := k.set.Load(); {
	case s == nil:
		return fmt.Errorf("the issuer's keys are not loaded: %w", failure)
	case len(s.keys) == 0:
		return errors.New("the issuer's key set has no key that may verify tokens")
	}
	return nil
}
