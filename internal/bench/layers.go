package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// Names of the layers, from the inside out.
const (
	layerPGX       = "pgx"
	layerEngine    = "engine"
	layerInProcess = "in-process"
	layerStdio     = "stdio"
	layerHard      = "hard-coded"
)

// layer is one way to do the work of a case.
type layer struct {
	name   string
	call   func(context.Context) ([]byte, error) // gives the answer, or nil where rows are counted and dropped
	first  []byte                                // the answer, checked; every other must be the same
	text   int                                   // size of the text in it
	remote bool                                  // the work is done by another process
}

// layersOf gives the layers of a case, pgx first, each with its first answer.
func (b *bench) layersOf(ctx context.Context, c *benchCase) ([]layer, error) {
	d := b.databases[c.on]
	request := toolCall(c.tool, c.args)
	recorded := recorder{DB: d.db}
	recording, err := b.newServer(&recorded)
	if err != nil {
		return nil, err
	}
	answer, err := handle(ctx, recording, request)
	if err == nil {
		_, err = c.check(answer)
	}
	if err != nil {
		return nil, fmt.Errorf("recording the statement: %w", err)
	}
	list := []layer{
		{name: layerPGX, call: pgxCall(d.pool, recorded)},
		{name: layerEngine, call: recorded.again},
		{name: layerInProcess, call: func(ctx context.Context) ([]byte, error) { return handle(ctx, d.mcp, request) }},
		{name: layerStdio, remote: true, call: func(ctx context.Context) ([]byte, error) { return d.stdio.ask(ctx, request) }},
	}
	if c.hard != "" {
		hard := toolCall(c.hard, "{}")
		list = append(list, layer{name: layerHard, remote: true, call: func(ctx context.Context) ([]byte, error) { return d.hard.ask(ctx, hard) }})
	}
	for i := range list {
		l := &list[i]
		if l.first, err = l.call(ctx); err == nil && l.first != nil {
			l.text, err = c.check(l.first)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return list, nil
}

// handle is what the server over stdio does between reading and writing a line.
func handle(ctx context.Context, s *server.MCPServer, request string) ([]byte, error) {
	answer, err := json.Marshal(s.HandleMessage(ctx, message(1, request)))
	if err != nil {
		return nil, err
	}
	return resultOf(answer)
}

// recorder is a database that keeps the last call made of it, which is how the inner layers know what the server runs.
type recorder struct {
	*postgres.DB
	call postgres.Call
	rows int
}

// Run implements registry.Database.
func (r *recorder) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	out, err := r.DB.Run(ctx, c, sink)
	r.call, r.rows = c, out.Rows
	return out, err
}

// again is the engine's layer: the same call, its rows dropped.
func (r *recorder) again(ctx context.Context) ([]byte, error) {
	out, err := r.DB.Run(ctx, r.call, drop{})
	if err == nil && out.Rows != r.rows {
		err = fmt.Errorf("got %d rows, want %d", out.Rows, r.rows)
	}
	return nil, err
}

// drop is a postgres.Sink.
type drop struct{}

func (drop) Columns([]postgres.Column) {}
func (drop) Row([][]byte) bool         { return true }

// pgxCall is the floor: the SQL alone, prepared, its values read as they come in PostgreSQL's text form.
func pgxCall(pool *pgxpool.Pool, r recorder) func(context.Context) ([]byte, error) {
	args := []any{pgx.QueryResultFormats{pgx.TextFormatCode}}
	for _, v := range r.call.Args {
		if v == nil {
			args = append(args, nil)
		} else {
			args = append(args, string(v))
		}
	}
	return func(ctx context.Context) ([]byte, error) {
		rows, err := pool.Query(ctx, r.call.SQL, args...)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n += min(len(rows.RawValues()), 1)
		}
		if err := rows.Err(); err != nil || n != r.rows {
			return nil, fmt.Errorf("got %d rows, want %d: %w", n, r.rows, err)
		}
		return nil, nil
	}
}
