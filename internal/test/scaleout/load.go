package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// load is clients that ask without a pause, and what came of it, phase by phase.
type load struct {
	name   string
	strict bool // every call must be answered
	wait   sync.WaitGroup
	stop   context.CancelFunc

	mu     sync.Mutex
	phases []*phase
	last   time.Time // of the last good answer
}

// phase is a time between two events.
type phase struct {
	name    string
	began   time.Time
	took    time.Duration
	kinds   map[string]int
	gap     time.Duration // longest time without any good answer
	slowest time.Duration
	good    []time.Duration   // what each good answer took
	example map[string]string // of a failure, by kind
}

// asker makes the n-th call of a client.
type asker func(ctx context.Context, c *client, id, n int) (kind, text string)

// startLoad makes clients that ask until end is called. A client that is refused waits a little, as one should.
func startLoad(ctx context.Context, name, url string, clients int, ask asker) *load {
	l := &load{name: name, last: time.Now()}
	l.begin("all is well")
	ctx, l.stop = context.WithCancel(ctx)
	for id := range clients {
		l.wait.Go(func() {
			c := newClient(url)
			defer c.http.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				start := time.Now()
				kind, text := ask(ctx, c, id, n)
				if ctx.Err() != nil {
					return
				}
				l.count(kind, text, time.Since(start))
				if kind != fine && kind != expected {
					_ = pause(ctx, 50*time.Millisecond)
				}
			}
		})
	}
	return l
}

func (l *load) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if n := len(l.phases); n > 0 {
		l.phases[n-1].took = now.Sub(l.phases[n-1].began)
	}
	l.phases = append(l.phases, &phase{name: name, began: now, kinds: map[string]int{}, example: map[string]string{}})
}

func (l *load) count(kind, text string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.phases[len(l.phases)-1]
	p.kinds[kind]++
	p.slowest = max(p.slowest, took)
	if kind != fine {
		p.example[kind] = text
		return
	}
	p.good = append(p.good, took)
	now := time.Now()
	p.gap = max(p.gap, now.Sub(l.last))
	l.last = now
}

// end stops the clients and prints the phases; the error says what must not have happened.
func (l *load) end() error {
	l.stop()
	l.wait.Wait()
	l.begin("end")
	l.phases = l.phases[:len(l.phases)-1]
	fmt.Printf("\n%s\n", l.name)
	var faults []string
	for _, p := range l.phases {
		total := 0
		for _, n := range p.kinds {
			total += n
		}
		fmt.Printf("  %-42s %5.1f s %7d calls %6.0f/s  median %6.1f ms  longest gap %6.0f ms  slowest call %6.0f ms\n",
			p.name, p.took.Seconds(), total, float64(total)/p.took.Seconds(), ms(p.median()), ms(p.gap), ms(p.slowest))
		for _, kind := range slices.Sorted(maps.Keys(p.kinds)) {
			if kind != fine {
				fmt.Printf("  %42s %6d x %s: %.100s\n", "", p.kinds[kind], kind, strings.Join(strings.Fields(p.example[kind]), " "))
			}
			if slices.Contains(bad, kind) || l.strict && kind != expected && kind != fine {
				faults = append(faults, fmt.Sprintf("%s, %s: %d x %s: %.500s", l.name, p.name, p.kinds[kind], kind,
					p.example[kind]))
			}
		}
		if p.kinds[fine] == 0 {
			faults = append(faults, fmt.Sprintf("%s, %s: no call was answered", l.name, p.name))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("what must not happen:\n%s", strings.Join(faults, "\n"))
	}
	return nil
}

// median is that of the good answers.
func (p *phase) median() time.Duration {
	if len(p.good) == 0 {
		return 0
	}
	slices.Sort(p.good)
	return p.good[len(p.good)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
