package main

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"
)

// reading is one measurement: calls made one after the other by each of some workers.
type reading struct {
	calls         int
	p50           time.Duration
	wall          time.Duration
	allocs, bytes uint64 // of this process, in all
}

func (r reading) rate() float64 { return float64(r.calls) / r.wall.Seconds() }

// layer is a way to do the calls of one case.
type layer interface {
	// measure makes calls, at most workers at a time, for about d; each answer is checked.
	measure(ctx context.Context, workers int, d time.Duration) (reading, error)
	// reply is the size of one answer in bytes; 0 if it has no one form.
	reply() int
}

// inProcess is a layer in this process: one function that makes and checks a call.
type inProcess struct {
	call func(context.Context) error
	size int
}

func (l *inProcess) reply() int { return l.size }

func (l *inProcess) measure(ctx context.Context, workers int, d time.Duration) (reading, error) {
	took := make([][]time.Duration, workers)
	for w := range took {
		took[w] = make([]time.Duration, 0, int(d/(5*time.Microsecond)))
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for w := range workers {
		wg.Go(func() { took[w], errs[w] = repeat(ctx, took[w], start.Add(d), l.call) })
	}
	wg.Wait()
	wall := time.Since(start)
	runtime.ReadMemStats(&after)
	all := slices.Concat(took...)
	r := reading{calls: len(all), p50: median(all), wall: wall, allocs: after.Mallocs - before.Mallocs, bytes: after.TotalAlloc - before.TotalAlloc}
	return r, errors.Join(errs...)
}

// repeat calls at least once, until the end or an error, and appends how long each call took.
func repeat(ctx context.Context, took []time.Duration, end time.Time, call func(context.Context) error) ([]time.Duration, error) {
	begin := time.Now()
	for {
		if err := call(ctx); err != nil {
			return took, err
		}
		now := time.Now()
		took = append(took, now.Sub(begin))
		if !now.Before(end) {
			return took, nil
		}
		begin = now
	}
}

// median sorts list. It is zero for an empty one.
func median[T ~int64 | ~float64](list []T) T {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// result is what one layer came to in one case: medians over the rounds.
type result struct {
	p50    time.Duration
	rate   float64
	ratio  float64 // to pgx in the same round: by p50 for one worker, by calls per second for more; above 1 is slower
	allocs float64 // per call, in this process
	kib    float64
	reply  int
}

// summarize takes the readings of a layer and of pgx, by round.
func summarize(workers int, own, floor []reading) result {
	var p50 []time.Duration
	var rate, ratio, allocs, kib []float64
	for i, r := range own {
		p50 = append(p50, r.p50)
		rate = append(rate, r.rate())
		if workers == 1 {
			ratio = append(ratio, r.p50.Seconds()/floor[i].p50.Seconds())
		} else {
			ratio = append(ratio, floor[i].rate()/r.rate())
		}
		allocs = append(allocs, float64(r.allocs)/float64(r.calls))
		kib = append(kib, float64(r.bytes)/float64(r.calls)/1024)
	}
	return result{p50: median(p50), rate: median(rate), ratio: median(ratio), allocs: median(allocs), kib: median(kib)}
}
