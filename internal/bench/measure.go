package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// reading is one measurement: calls made one after the other by each of some workers.
type reading struct {
	calls         int
	p50, wall     time.Duration
	allocs, bytes uint64 // of this process, in all
}

func (r reading) rate() float64 { return float64(r.calls) / r.wall.Seconds() }

// key names a result.
type key struct {
	name, layer string
	workers     int
}

// result is what one layer came to in one case: medians over the rounds. Zero was not measured.
type result struct {
	ms, rate    float64
	ratio       float64 // to pgx in the same round: by p50 for one worker, by calls per second for more; above 1 is slower
	allocs, kib float64 // per call, in this process
	reply, text int     // bytes of the answer, and of its text
}

// measureCases measures every wanted case and prints the results as they come.
func (b *bench) measureCases(ctx context.Context) error {
	printHeading()
	for _, c := range b.cases() {
		layers, err := b.layersOf(ctx, &c)
		if err == nil {
			err = b.warm(ctx, layers)
		}
		for _, workers := range []int{1, maxWorkers} {
			var readings [][]reading
			if err == nil {
				readings, err = b.interleave(ctx, layers, workers)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			for i, l := range layers {
				k := key{c.name, l.name, workers}
				b.results[k] = summarize(&l, workers, readings[i], readings[0])
				printResult(k, b.results[k])
			}
		}
	}
	return nil
}

const maxWorkers = 16

// warmCalls are enough for every connection of a pool to be open and to have its plan: PostgreSQL plans a prepared
// statement anew in each of its first five executions.
const warmCalls = 12 * poolSize

// warm makes calls that don't count.
func (b *bench) warm(ctx context.Context, layers []layer) error {
	for _, l := range layers {
		for calls := 0; calls < warmCalls; {
			r, err := l.measure(ctx, maxWorkers, b.slice/4)
			if err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			calls += r.calls
		}
	}
	return nil
}

// interleave measures the layers in turn, in each round beginning with another.
func (b *bench) interleave(ctx context.Context, layers []layer, workers int) ([][]reading, error) {
	readings := make([][]reading, len(layers))
	for round := range b.rounds {
		for i := range layers {
			at := (i + round) % len(layers)
			r, err := layers[at].measure(ctx, workers, b.slice)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", layers[at].name, err)
			}
			readings[at] = append(readings[at], r)
		}
	}
	return readings, nil
}

// measure makes calls, one at a time for each worker and at least one, for about d.
func (l *layer) measure(ctx context.Context, workers int, d time.Duration) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	took, errs := make([][]time.Duration, workers), make([]error, workers)
	var wg sync.WaitGroup
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			for began := start; began.Sub(start) < d && errs[w] == nil; {
				errs[w] = l.again(ctx)
				now := time.Now()
				took[w] = append(took[w], now.Sub(began))
				began = now
			}
		})
	}
	wg.Wait()
	wall := time.Since(start)
	runtime.ReadMemStats(&after)
	all := slices.Concat(took...)
	return reading{len(all), median(all), wall, after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}, errors.Join(errs...)
}

// again makes one call and compares its answer with the first.
func (l *layer) again(ctx context.Context) error {
	answer, err := l.call(ctx)
	if err == nil && !bytes.Equal(answer, l.first) {
		err = fmt.Errorf("another answer than the first: %.300q", answer)
	}
	return err
}

// median sorts list, which must not be empty.
func median[T ~int64 | ~float64](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

// summarize takes the readings of a layer and of pgx, by round.
func summarize(l *layer, workers int, own, floor []reading) result {
	over := func(value func(own, floor reading) float64) float64 {
		var list []float64
		for i := range own {
			list = append(list, value(own[i], floor[i]))
		}
		return median(list)
	}
	r := result{
		ms:    over(func(own, _ reading) float64 { return own.p50.Seconds() * 1000 }),
		rate:  over(func(own, _ reading) float64 { return own.rate() }),
		ratio: over(func(own, floor reading) float64 { return floor.rate() / own.rate() }),
		reply: len(l.first), text: l.text,
	}
	if workers == 1 {
		r.ratio = over(func(own, floor reading) float64 { return own.p50.Seconds() / floor.p50.Seconds() })
	}
	if !l.remote {
		r.allocs = over(func(own, _ reading) float64 { return float64(own.allocs) / float64(own.calls) })
		r.kib = over(func(own, _ reading) float64 { return float64(own.bytes) / float64(own.calls) / 1024 })
	}
	return r
}
