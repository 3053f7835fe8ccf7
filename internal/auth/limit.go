package auth

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// Limits bound what one caller may ask of the server.
type Limits struct {
	PerSecond  float64 // requests a second; 0: 50
	Burst      int     // requests at once, after a rest; 0: twice PerSecond
	Concurrent int     // requests in flight; 0: 20
	Callers    int     // callers that are kept in mind, those that were here last; 0: 10,000
}

func (l Limits) withDefaults() Limits {
	l.PerSecond = cmp.Or(l.PerSecond, 50)
	l.Burst = cmp.Or(l.Burst, int(math.Ceil(2*l.PerSecond)))
	l.Concurrent = cmp.Or(l.Concurrent, 20)
	l.Callers = cmp.Or(l.Callers, 10_000)
	return l
}

// Limiter keeps each caller within the limits, so that one can't starve the rest.
type Limiter struct {
	limits  Limits
	callers *lru.Cache[string, *usage]
}

type usage struct {
	rate   *rate.Limiter
	active atomic.Int64
}

// NewLimiter makes a limiter. The error is about limits that make no sense.
func NewLimiter(l Limits) (*Limiter, error) {
	l = l.withDefaults()
	if l.PerSecond <= 0 || l.Burst < 1 || l.Concurrent < 1 || l.Callers < 1 {
		return nil, fmt.Errorf("limits of a caller are %+v: want positive numbers", l)
	}
	callers, err := lru.New[string, *usage](l.Callers)
	return &Limiter{limits: l, callers: callers}, err
}

// Admit counts a request of the caller among those in flight until end is called; a second call does nothing. A caller
// beyond its limits is answered 429 with Retry-After, and end is nil. A nil Limiter admits every request.
func (l *Limiter) Admit(w http.ResponseWriter, r *http.Request, caller string) (end func()) {
	if l == nil {
		return func() {}
	}
	u := l.usage(caller)
	end = sync.OnceFunc(func() { u.active.Add(-1) })
	if no := l.refuse(u, u.active.Add(1)); no != nil {
		end()
		no.write(w, r, Resource{})
		return nil
	}
	return end
}

func (l *Limiter) usage(key string) *usage {
	if u, ok := l.callers.Get(key); ok {
		return u
	}
	u := &usage{rate: rate.NewLimiter(rate.Limit(l.limits.PerSecond), l.limits.Burst)}
	if other, ok, _ := l.callers.PeekOrAdd(key, u); ok {
		return other
	}
	return u
}

func (l *Limiter) refuse(u *usage, active int64) *denial {
	if active > int64(l.limits.Concurrent) {
		return &denial{status: http.StatusTooManyRequests, retry: time.Second,
			message: fmt.Sprintf("too many requests at the same time: at most %d", l.limits.Concurrent)}
	}
	turn := u.rate.Reserve()
	if wait := turn.Delay(); wait > 0 {
		turn.Cancel()
		return &denial{status: http.StatusTooManyRequests, retry: wait,
			message: fmt.Sprintf("too many requests: at most %g a second", l.limits.PerSecond)}
	}
	return nil
}
