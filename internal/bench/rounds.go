package main

import (
	"context"
	"fmt"
	"os"
)

// named is a layer of one case.
type named struct {
	name string
	layer
}

// concurrency are the numbers of calls at a time.
var concurrency = [...]int{1, 16}

func (b *bench) measureAll(ctx context.Context) error {
	t := newTable(os.Stdout)
	for _, c := range b.cases() {
		layers, err := b.layersOf(ctx, &c)
		if err != nil {
			return err
		}
		if err := b.warm(ctx, layers); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		for _, workers := range concurrency {
			readings, err := b.interleave(ctx, layers, workers)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			for i, l := range layers {
				r := summarize(workers, readings[i], readings[0])
				r.reply = l.reply()
				b.results[key(c.name, l.name, workers)] = r
				t.row(c.name, l.name, workers, r)
			}
		}
	}
	return t.end()
}

// layersOf gives the layers of a case, pgx first. The engine's answer is JSON: it has none in the other formats.
func (b *bench) layersOf(ctx context.Context, c *benchCase) ([]named, error) {
	sql, values, err := c.statement(b.catalog)
	if err != nil {
		return nil, err
	}
	t := b.targets[c.database]
	makers := []struct {
		name  string
		there bool
		make  func() (layer, error)
	}{
		{layerEngine, !c.isText(), func() (layer, error) { return engineLayer(ctx, t.db, c, b.catalog.Tool(c.tool), sql, values) }},
		{layerRegistry, true, func() (layer, error) { return registryLayer(ctx, t, c) }},
		{layerServer, true, func() (layer, error) { return stdioLayer(t.server, c, c.tool, c.args, c.check) }},
		{layerHard, c.hard != "", func() (layer, error) { return stdioLayer(t.hard, c, c.hard, "{}", c.asJSON().check) }},
	}
	list := []named{{layerPGX, pgxLayer(t.pool, c, sql, values)}}
	for _, m := range makers {
		if !m.there || !wanted(b.layers, m.name) {
			continue
		}
		l, err := m.make()
		if err != nil {
			return nil, err
		}
		list = append(list, named{m.name, l})
	}
	return list, nil
}

// asJSON is the case with an answer in JSON, the only one that the hard-coded server gives.
func (c *benchCase) asJSON() *benchCase {
	other := *c
	if c.isText() {
		other.list = "items"
	}
	return &other
}

// interleave measures the layers in turn, in each round beginning with another.
func (b *bench) interleave(ctx context.Context, layers []named, workers int) ([][]reading, error) {
	readings := make([][]reading, len(layers))
	for round := range b.rounds {
		for i := range layers {
			at := (i + round) % len(layers)
			r, err := layers[at].measure(ctx, workers, b.slice)
			if err != nil {
				return nil, err
			}
			readings[at] = append(readings[at], r)
		}
	}
	return readings, nil
}

// warmCalls are enough for every connection of a pool to be open and to have its plan: PostgreSQL plans a prepared
// statement anew in each of its first five executions.
const warmCalls = 12 * poolSize

// warm makes calls that don't count.
func (b *bench) warm(ctx context.Context, layers []named) error {
	for _, l := range layers {
		for calls := 0; calls < warmCalls; {
			r, err := l.measure(ctx, concurrency[len(concurrency)-1], b.slice/4)
			if err != nil {
				return err
			}
			calls += r.calls
		}
	}
	return nil
}
