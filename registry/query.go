package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

const (
	queryName       = "query"
	defaultQueryRow = 500
	maxQueryRows    = 10_000
)

// sentTwice is the size in bytes up to which JSON is sent as structured content too. A larger answer is sent once, as text.
const sentTwice = 16 << 10

// queryTool runs the caller's own SQL.
type queryTool struct {
	db       Database
	guard    *tracedGuard
	limits   rowLimits
	maxSQL   int // bytes
	readOnly bool
	buffers  buffers
}

// queryDefinition describes query in the form of a tool file, so that it has the same schema and checks.
func queryDefinition(readOnly bool, maxRows int) *catalog.Tool {
	most := maxParameters
	maxRows = mostRows(maxRows)
	t := &catalog.Tool{
		Name: queryName, Title: "Run SQL", Access: catalog.Write, Hints: catalog.Hints{Destructive: true},
		Description: "Runs one SQL statement and commits it. Look at the tables with describe_table first, and pass values as parameters. " +
			"Prefer aggregates and LIMIT over reading many rows.",
		Params: []catalog.Param{
			{Name: "sql", Type: catalog.Type{Scalar: catalog.String}, Required: true, Description: "One PostgreSQL statement; $1, $2, ... stand for parameters."},
			{Name: "parameters", Type: catalog.Type{Scalar: catalog.Any, Array: true}, MaxItems: &most, Description: "Values of $1, $2, ...; any JSON value is taken."},
			{Name: "row_limit", Type: catalog.Type{Scalar: catalog.Integer}, Default: json.Number(strconv.Itoa(min(defaultQueryRow, maxRows))),
				Minimum: "1", Maximum: strconv.Itoa(maxRows)},
			{Name: "format", Type: catalog.Type{Scalar: catalog.String}, Default: "markdown", Enum: []any{"markdown", "json", "csv"}},
		},
	}
	if readOnly {
		t.Access, t.Hints = catalog.Read, catalog.Hints{Idempotent: true}
		t.Description = strings.Replace(t.Description, "Runs one SQL statement and commits it.", "Runs one read-only SQL statement.", 1)
	}
	return t
}

// mostRows is the highest row_limit, given the server's limit, whose default is for answers that nobody gave a limit.
func mostRows(serverMax int) int {
	if serverMax == DefaultMaxRows {
		return maxQueryRows
	}
	return min(serverMax, maxQueryRows)
}

func (q *queryTool) call(ctx context.Context, c *call) (*Answer, error) {
	args := c.args
	sql, _ := args["sql"].(string)
	c.SQL = sql
	values, _ := args["parameters"].([]any)
	if err := checkQuery(sql, values, q.maxSQL); err != nil {
		return nil, err
	}
	p, err := q.guard.Authorize(ctx, sql)
	if errors.Is(err, postgres.ErrNoDatabase) {
		return q.notice(args["format"]), nil
	}
	if err != nil {
		return nil, q.mend(ctx, nil, sql, err)
	}
	limits, err := q.rowLimits(ctx, args)
	if err != nil {
		return nil, err
	}
	write := !q.readOnly && p.MayWrite()
	sink, err := newQuerySink(args["format"], limits, c.Resource != "", q.buffers.get())
	if err != nil {
		return nil, err
	}
	if p.Statement != nil {
		for _, r := range p.Statement.Relations {
			c.Relations = append(c.Relations, r.String())
		}
	}
	run, back := streamed(sql)
	call := postgres.Call{SQL: run, Untrusted: true, Write: write, MaxRows: limits.rows}
	var res *Answer
	call.Answer = func(out postgres.Outcome) error { // before a write is committed
		if !p.Selects {
			committed := ""
			if write {
				committed = committedAll
			}
			res = q.answer(args["format"], sink, out, committed)
		}
		return nil
	}
	var out postgres.Outcome
	p, err = q.guard.Run(ctx, p, func(p *guard.Permit) (err error) {
		p.Apply(&call)
		c.wrote = call.Write && call.Together
		out, err = (&parameters{values: values, bounded: p.Statement != nil}).run(ctx, q.db, call, sink)
		return err
	})
	c.wrote, c.Rows = call.Write && err == nil, out.Rows
	if errors.Is(err, postgres.ErrNoDatabase) {
		return q.notice(args["format"]), nil
	}
	if err != nil {
		return nil, q.mend(ctx, p, sql, p.Redact(back(err)))
	}
	if p.Selects {
		res = q.answer(args["format"], sink, out, q.committed(ctx, p, write && (out.More || sink.full())))
	}
	res.addNotices(out.Notices, args["format"] == "json")
	return res, nil
}

// rowLimits are the server's, made smaller by the role's and the call's.
func (q *queryTool) rowLimits(ctx context.Context, args map[string]any) (rowLimits, error) {
	limits := q.limits.withRole(ctx)
	if n, ok := args["row_limit"].(json.Number); ok {
		f, err := n.Float64()
		if err != nil {
			return limits, argumentError("row_limit: want a number")
		}
		limits.most = rowLimits{rows: mostRows(q.limits.rows)}.withRole(ctx).rows
		limits.rows = min(int(f), limits.most)
	}
	return limits, nil
}

// What is said of a statement that is committed and whose rows were cut.
const (
	committedAll  = "The statement is done and committed for all of them: don't repeat it, SELECT the others"
	committedSome = "The statement uses a function or view that may change data: what it did for the rows that were read is committed. " +
		"Don't repeat it to see more rows; look at the data first"
)

// committed is what must be known of a SELECT whose rows were cut: its functions may have written.
func (q *queryTool) committed(ctx context.Context, p *guard.Permit, cut bool) string {
	if !cut || q.guard.OnlyReads(ctx, p) {
		return ""
	}
	return committedSome
}

// answer writes the rows.
func (q *queryTool) answer(format any, sink querySink, out postgres.Outcome, committed string) *Answer {
	if !out.HasRows {
		return q.affected(format, out)
	}
	if out.More {
		out.Command = cmp.Or(out.Command, "SELECT")
	}
	texts, buf := sink.result(out, committed)
	q.buffers.put(buf)
	twice := q.limits.frame() + len(texts[0]) + pgtext.JSONSize(texts[0])
	if format == "json" && len(texts[0]) <= sentTwice && twice <= q.limits.bytes {
		return jsonAnswer([]byte(texts[0]))
	}
	return textAnswer(texts...)
}

// notice says that there is no database, in the format that the caller reads.
func (q *queryTool) notice(format any) *Answer {
	if format == "json" {
		return noticeAnswer(catalog.Rows, nil)
	}
	return &Answer{Texts: []string{noticeNone}, Notice: true}
}

// affected reports a statement that gives no rows.
func (q *queryTool) affected(format any, out postgres.Outcome) *Answer {
	switch format {
	case "json":
		return jsonAnswer(affectedJSON(out))
	case "csv":
		return textAnswer("command,affected\n" + out.Command + "," + strconv.FormatInt(out.Affected, 10) + "\n")
	}
	if !slices.Contains(counted[:], out.Command) {
		return textAnswer(out.Command + ": done.")
	}
	return textAnswer(fmt.Sprintf("%s: %s affected.", out.Command, plural(out.Affected, "row")))
}

// counted are the commands whose tag has a number of rows; CREATE TABLE AS answers as SELECT.
var counted = [...]string{"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT"}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}

// streamed gives the SQL to run in place of a caller's, which has the same rows and gives the first of them sooner. back
// turns the place of an error in it into the place in the caller's.
func streamed(sql string) (run string, back func(error) error) {
	rewritten, shift, ok := sqlscan.StreamFunctions(sql)
	if !ok {
		return sql, func(err error) error { return err }
	}
	return rewritten, func(err error) error {
		var pg *postgres.Error
		if !errors.As(err, &pg) || pg.Position == 0 {
			return err
		}
		moved := *pg
		moved.Position = shift(pg.Position)
		return &moved
	}
}
