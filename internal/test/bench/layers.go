package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/serve"
	"mcp-postgres/registry"
)

// call does the work of a case once. It gives the answer, or nil where rows are counted and dropped. What comes from
// another process is read into memory, which is used again: a client that did not would cost more than a quick server.
type call func(ctx context.Context, memory *bytes.Buffer) ([]byte, error)

// layer is one way to do the work of a case.
type layer struct {
	name    string
	call    call
	process *process // that is asked the request over stdio, or nil
	request string   // empty where the work is done in this process
	first   []byte   // the answer, checked; every other must be the same
}

// layersOf gives the layers of a case, the two of pgx first. All have made calls until every connection is open and has
// its plan, for PostgreSQL plans a prepared statement anew in each of its first five executions. stop must be called.
func (b *bench) layersOf(ctx context.Context, c *benchCase) (list []layer, stop func(), err error) {
	d := b.database(c.on)
	recorded := &recorder{DB: d.db}
	own, stop, err := b.inProcess(ctx, recorded)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	answer, err := own.ask(ctx, c.request, new(bytes.Buffer))
	if err != nil {
		return nil, nil, err
	}
	if text, _ := answerText(answer); c.name == caseJSON {
		b.plain = float64(len(text))
	}
	list = []layer{
		{name: "pgx", call: pgxAlone(d.pool, recorded, nil)},
		{name: "pgx json", call: pgxAlone(d.pool, recorded, appendRow)},
		{name: "engine", call: recorded.again},
		{name: "in-process", call: func(ctx context.Context, memory *bytes.Buffer) ([]byte, error) {
			return own.ask(ctx, c.request, memory)
		}},
		remote("stdio", d.stdio, c.request),
	}
	if c.hard != "" {
		list = append(list, remote("hard-coded", d.hard, toolCall(c.hard, "{}")),
			overHTTP("http", d.http, c.request), overHTTP("hard http", d.hardHTTP, toolCall(c.hard, "{}")))
	}
	if c.limits.json1 > 0 {
		list = append(list, remote("echo", d.echo, echoOf(len(answer))))
	}
	for i := range list {
		l := &list[i]
		if err = l.warm(ctx); err == nil && l.first != nil && l.process != d.echo {
			err = c.check(l.first)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return list, stop, nil
}

// warm makes the first calls.
func (l *layer) warm(ctx context.Context) (err error) {
	l.first, err = l.call(ctx, new(bytes.Buffer))
	for n := 0; n < 12*poolSize && err == nil; n += maxWorkers {
		_, err = l.measure(ctx, maxWorkers, 1)
	}
	return err
}

func remote(name string, p *process, request string) layer {
	return layer{name, func(ctx context.Context, memory *bytes.Buffer) ([]byte,
		error) {
		return p.ask(ctx, request, memory)
	}, p, request, nil}
}

func overHTTP(name string, w *web, request string) layer {
	return layer{name, func(ctx context.Context, memory *bytes.Buffer) ([]byte,
		error) {
		return w.ask(ctx, request, memory)
	}, nil, request, nil}
}

// recorder is a database that keeps the first call made of it: what the inner layers are to run.
type recorder struct {
	*postgres.DB
	call postgres.Call
	rows int
}

// Run implements registry.Database.
func (r *recorder) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	out, err := r.DB.Run(ctx, c, sink)
	if r.call.SQL == "" {
		r.call, r.rows = c, out.Rows
	}
	return out, err
}

// want is what a layer without an answer gives.
func (r *recorder) want(rows int, err error) ([]byte, error) {
	if err == nil && rows != r.rows {
		err = fmt.Errorf("got %d rows, want %d", rows, r.rows)
	}
	return nil, err
}

// again is the engine's layer: the same call, its rows dropped.
func (r *recorder) again(ctx context.Context, _ *bytes.Buffer) ([]byte, error) {
	out, err := r.DB.Run(ctx, r.call, drop{})
	return r.want(out.Rows, err)
}

// drop is a postgres.Sink that keeps nothing.
type drop struct{}

func (drop) Columns([]postgres.Column) {}
func (drop) Row([][]byte) bool         { return true }

// pgxAlone is the floor: the SQL on a pool of pgx, rows read in PostgreSQL's text form. Each row is given to render,
// which appends it to one buffer; without render it is dropped.
func pgxAlone(pool *pgxpool.Pool, r *recorder, render func([]byte, pgx.Rows) []byte) call {
	args := []any{pgx.QueryResultFormats{pgx.TextFormatCode}}
	for _, v := range r.call.Args {
		var arg any
		if v != nil {
			arg = string(v)
		}
		args = append(args, arg)
	}
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	return func(ctx context.Context, _ *bytes.Buffer) ([]byte, error) {
		rows, _ := pool.Query(ctx, r.call.SQL, args...) // the error is in rows too
		lent := buffers.Get().(*[]byte)
		defer buffers.Put(lent)
		buf := (*lent)[:0]
		for rows.Next() {
			if render == nil {
				_ = rows.RawValues()
			} else {
				buf = render(buf, rows)
			}
		}
		*lent = buf
		return r.want(int(rows.CommandTag().RowsAffected()), rows.Err())
	}
}

// appendRow writes a row as a JSON object in the plainest way that is right: numbers, booleans and json as they are,
// all else as a string.
func appendRow(dst []byte, rows pgx.Rows) []byte {
	fields, sep := rows.FieldDescriptions(), byte('{')
	for i, v := range rows.RawValues() {
		dst = append(append(append(append(dst, sep), '"'), fields[i].Name...), `":`...)
		sep = ','
		switch oid := fields[i].DataTypeOID; {
		case v == nil:
			dst = append(dst, "null"...)
		case oid == pgtype.BoolOID:
			dst = strconv.AppendBool(dst, string(v) == "t")
		case slices.Contains(bareTypes, oid):
			dst = append(dst, v...)
		default:
			dst = pgtext.AppendJSON(dst, v)
		}
	}
	return append(dst, '}', ',')
}

// bareTypes are those whose text is JSON.
var bareTypes = []uint32{pgtype.Int4OID, pgtype.Int8OID, pgtype.Int2OID, pgtype.NumericOID, pgtype.Float8OID,
	pgtype.Float4OID, pgtype.JSONOID, pgtype.JSONBOID}

// inProcess serves in this process, through pipes in memory, what the binary serves; stop ends that.
func (b *bench) inProcess(ctx context.Context, db registry.Database) (p *process, stop func(), err error) {
	log := slog.New(slog.DiscardHandler)
	r, err := registry.Build(registry.Config{DB: db, Timeout: 30 * time.Second, Logger: log},
		registry.Set{Tools: b.catalog.Tools})
	if err != nil {
		return nil, nil, err
	}
	s := serve.New(serve.Config{Databases: registry.NewDatabases(&registry.Served{Registry: r}), Version: "bench",
		Slots: poolSize, Logger: log})
	in, requests := io.Pipe()
	answers, out := io.Pipe()
	served := make(chan struct{})
	go func() {
		_ = s.Stdio(ctx, in, out) // the answers are what is looked at
		_ = out.Close()           // never fails
		close(served)
	}()
	return &process{in: requests, out: bufio.NewReaderSize(answers, 1<<20)}, func() { _ = requests.Close(); <-served }, nil
}

// hardCodedEnv makes this program the hard-coded server on the database that it names.
const hardCodedEnv = "BENCH_HARD_CODED_URL"

// thousandRows is the tool file; its header is a comment in SQL.
//
//go:embed tools/bench/thousand_rows.sql
var thousandRows string

// serveHardCoded is what a program for one task would be: two tools on mcp-go and pgx with the same SQL and the same
// answers, with no limits, no transaction, no checks and no log. It is the floor for a server over stdio, and over
// streamable HTTP if it is given an address.
func serveHardCoded(ctx context.Context, url string, addr []string) error {
	pool, err := openPool(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	s := server.NewMCPServer("hard-coded", "1")
	s.AddTool(mcp.NewTool("select_one"), hardCoded[one](pool, "SELECT 1 AS one"))
	s.AddTool(mcp.NewTool("thousand_rows"), hardCoded[order](pool, thousandRows))
	if len(addr) > 0 {
		return server.NewStreamableHTTPServer(s, server.WithStateLess(true)).Start(addr[0])
	}
	return server.ServeStdio(s, server.WithWorkerPoolSize(poolSize))
}

type one struct {
	One int `json:"one"`
}

// order is a row of thousandRows.
type order struct {
	ID         int        `json:"id"`
	CustomerID int        `json:"customer_id"`
	AddressNo  int        `json:"address_no"`
	EmployeeID *int       `json:"employee_id"`
	Status     string     `json:"status"`
	PlacedAt   time.Time  `json:"placed_at"`
	ShippedAt  *time.Time `json:"shipped_at"`
	Note       *string    `json:"note"`
}

func hardCoded[T any](pool *pgxpool.Pool, sql string) server.ToolHandlerFunc {
	type answer struct {
		Items []T `json:"items"`
	}
	return func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		rows, _ := pool.Query(ctx, sql) // the error is in rows too
		items, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		if err != nil {
			return nil, err
		}
		return mcp.NewToolResultJSON(answer{items})
	}
}
