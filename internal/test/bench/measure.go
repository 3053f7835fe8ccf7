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

const maxWorkers = 16

// figures are what one measurement, or the median of some, came to. Zero was not measured.
type figures [columns]float64

const (
	p50       = iota // ms
	rate             // calls per second
	ratio            // to pgx in the same round: by p50 for one worker, by rate for more; above 1 is slower
	jsonRatio        // the same to pgx json
	allocs           // of one call in this process
	kib
	reply // bytes
	columns
)

// measureCase prints the results of a case as they come.
func (b *bench) measureCase(ctx context.Context, c *benchCase) error {
	layers, stop, err := b.layersOf(ctx, c)
	if err != nil {
		return err
	}
	defer stop()
	results := map[string]figures{}
	for _, workers := range []int{1, maxWorkers} {
		medians, err := b.interleave(ctx, layers, workers)
		if err != nil {
			return err
		}
		for i, f := range medians {
			results[fmt.Sprintf("%s c%d", layers[i].name, workers)] = f
			printRow(c.name, workers, layers[i].name, f)
		}
	}
	b.judge(c, results)
	return b.measureStarts(ctx, c, layers)
}

// interleave measures the layers in turn, in each round beginning with another, and gives the medians of each.
func (b *bench) interleave(ctx context.Context, layers []layer, workers int) ([]figures, error) {
	readings := make([][columns][]float64, len(layers)) // by layer, figure and round
	for round := range b.rounds {
		turn := make([]figures, len(layers))
		for i := range layers {
			at := (i + round) % len(layers)
			var err error
			if turn[at], err = layers[at].measure(ctx, workers, b.slice); err != nil {
				return nil, fmt.Errorf("%s: %w", layers[at].name, err)
			}
		}
		for i, own := range turn {
			own[ratio], own[jsonRatio] = turn[0][rate]/own[rate], turn[1][rate]/own[rate]
			if workers == 1 {
				own[ratio], own[jsonRatio] = own[p50]/turn[0][p50], own[p50]/turn[1][p50]
			}
			for column, value := range own {
				readings[i][column] = append(readings[i][column], value)
			}
		}
	}
	medians := make([]figures, len(layers))
	for i := range medians {
		for column, list := range readings[i] {
			medians[i][column] = median(list)
		}
	}
	return medians, nil
}

// measure makes calls, one at a time for each worker and at least one, for about d. It leaves out the ratios.
func (l *layer) measure(ctx context.Context, workers int, d time.Duration) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	took, errs := make([][]float64, workers), make([]error, workers)
	var wg sync.WaitGroup
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for w := range workers {
		wg.Go(func() {
			var memory bytes.Buffer
			for began := start; began.Sub(start) < d && errs[w] == nil; {
				answer, err := l.call(ctx, &memory)
				if err == nil && !bytes.Equal(answer, l.first) {
					err = fmt.Errorf("another answer than the first: %.300q", answer)
				}
				now := time.Now()
				took[w], errs[w] = append(took[w], now.Sub(began).Seconds()*1000), err
				began = now
			}
		})
	}
	wg.Wait()
	wall := time.Since(start)
	runtime.ReadMemStats(&after)
	all := slices.Concat(took...)
	n := float64(len(all))
	f := figures{p50: median(all), rate: n / wall.Seconds(), reply: float64(len(l.first))}
	if l.request == "" {
		f[allocs], f[kib] = float64(after.Mallocs-before.Mallocs)/n, float64(after.TotalAlloc-before.TotalAlloc)/n/1024
	}
	return f, errors.Join(errs...)
}

// median sorts list, which must not be empty.
func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// measureStarts measures the time from exec to the first answer where that has a goal, the servers taking turns.
func (b *bench) measureStarts(ctx context.Context, c *benchCase, layers []layer) error {
	if c.limits.first == 0 {
		return nil
	}
	remote := slices.DeleteFunc(slices.Clone(layers), func(l layer) bool { return l.process == nil })
	took := make([][]float64, len(remote))
	for range b.starts {
		for i, l := range remote {
			began := time.Now()
			p, err := launch(ctx, l.process.command)
			if err != nil {
				return err
			}
			answer, err := p.ask(ctx, l.request, new(bytes.Buffer))
			took[i] = append(took[i], time.Since(began).Seconds()*1000)
			if err == nil && !bytes.Equal(answer, l.first) {
				err = fmt.Errorf("another answer after the start: %.300q", answer)
			}
			if err := errors.Join(err, p.close()); err != nil {
				return err
			}
		}
	}
	for i, l := range remote {
		printRow(c.name, "exec", l.name, figures{p50: median(took[i])})
	}
	b.atMost(c.name+": stdio, from exec to the first answer", median(took[0]), c.limits.first, " ms")
	return nil
}
