package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// starter is one kind of start.
type starter struct {
	what    string
	launch  func(context.Context, *database) (*process, error)
	on      *database
	request string
	goal    float64 // ms; zero without one
}

// measureStarts measures the time from exec to the first answer of a tool, the servers taking turns.
func (b *bench) measureStarts(ctx context.Context) error {
	var kinds []starter
	for _, d := range b.databases {
		if d.hard != nil {
			kinds = append(kinds,
				starter{"hard-coded, SELECT 1, ", launchHard, d, toolCall("select_one", "{}"), 0},
				starter{"stdio, query SELECT 1, ", b.launchServer, d, toolCall("query", queryArgs(selectOneSQL, "json")), goalFirst})
		}
		kinds = append(kinds, starter{"stdio, list_tables, ", b.launchServer, d, toolCall("list_tables", listArgs(d.schema)), goalFirst})
	}
	took := make([][]float64, len(kinds))
	for range b.starts {
		for i, k := range kinds {
			d, err := k.run(ctx)
			if err != nil {
				return fmt.Errorf("%s%s: %w", k.what, k.on.name, err)
			}
			took[i] = append(took[i], d.Seconds()*1000)
		}
	}
	fmt.Println("\nFrom exec to the first answer of a tool:")
	for i, k := range kinds {
		ms := median(took[i])
		fmt.Printf("  %-32s %5.1f ms\n", k.what+k.on.name, ms)
		if k.goal > 0 {
			b.atMost("first answer: "+k.what+k.on.name, ms, k.goal, " ms")
		}
	}
	return nil
}

// run starts a server and does as a client would: greet, wait, call, wait; then it ends it.
func (k *starter) run(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	p, err := k.launch(ctx, k.on)
	if err != nil {
		return 0, err
	}
	answer, err := p.ask(ctx, k.request)
	took := time.Since(began)
	if err == nil {
		_, err = answerText(answer)
	}
	return took, errors.Join(err, p.close())
}
