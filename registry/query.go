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
	"unicode/utf8"

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
	maxStatements   = 20 // of one call
)

// sentTwice is the size in bytes up to which JSON is sent as structured content too. A larger answer is sent once, as
// text.
const sentTwice = 16 << 10

// queryTool runs the caller's own SQL.
type queryTool struct {
	db       Database
	guard    *tracedGuard
	limits   rowLimits
	maxSQL   int // bytes
	readOnly bool
	// maxAffected is the most rows that a call may change, of the server; zero is no limit.
	maxAffected int
	buffers     buffers
}

// queryDefinition describes query in the form of a tool file, so that it has the same schema and checks.
func queryDefinition(readOnly bool, maxRows int) *catalog.Tool {
	most := maxParameters
	maxRows = mostRows(maxRows)
	t := &catalog.Tool{
		Name: queryName, Title: "Run SQL", Access: catalog.Write, Hints: catalog.Hints{Destructive: true},
		Description: "Runs SQL in one transaction and commits it: send up to 20 statements together. " +
			"Pass values as parameters. Long cells are cut among many rows.",
		Params: []catalog.Param{
			{Name: "sql", Type: catalog.Type{Scalar: catalog.String}, Required: true,
				Description: "PostgreSQL statements, with semicolons; $1, $2, ... are parameters, in one of them."},
			{Name: "parameters", Type: catalog.Type{Scalar: catalog.Any, Array: true}, MaxItems: &most,
				Description: "Values of $1, $2, ...: any JSON."},
			{Name: "row_limit", Type: catalog.Type{Scalar: catalog.Integer},
				Default: json.Number(strconv.Itoa(min(defaultQueryRow, maxRows))),
				Minimum: "1", Maximum: strconv.Itoa(maxRows)},
			{Name: "format", Type: catalog.Type{Scalar: catalog.String}, Default: "markdown",
				Enum: []any{"markdown", "json", "csv"}},
		},
	}
	if readOnly {
		t.Access, t.Hints = catalog.Read, catalog.Hints{Idempotent: true}
		t.Description = strings.Replace(t.Description, "Runs SQL in one transaction and commits it:", "Runs read-only SQL:",
			1)
	}
	return t
}

// mostRows is the highest row_limit, given the server's limit, whose default is for answers that nobody gave a limit.
func mostRows(serverMax int) int {
	if serverMax == defaultMaxRows {
		return maxQueryRows
	}
	return min(serverMax, maxQueryRows)
}

// queryCall is one call of query while it runs.
type queryCall struct {
	*queryTool
	c       *call
	format  any
	list    []*statement
	permits []*guard.Permit // one for each statement
	dry     bool            // it is rolled back at its end
	most    int             // rows that it may change; zero is no limit
	changed int64           // rows so far
	locks   firstColumn     // that a dry run took
}

// statement is one of those of a call.
type statement struct {
	sqlscan.Piece
	run    string // what is run in its place
	back   func(error) error
	args   [][]byte
	sink   querySink
	done   bool // it has come to its end
	out    postgres.Outcome
	answer *Answer
}

func (q *queryTool) call(ctx context.Context, c *call) (*Answer, error) {
	c.SQL, _ = c.args["sql"].(string)
	values, _ := c.args["parameters"].([]any)
	if err := checkQuery(c.SQL, values, q.maxSQL); err != nil {
		return nil, err
	}
	qc := &queryCall{queryTool: q, c: c, format: c.args["format"], dry: c.args[catalog.ArgDryRun] == true,
		most: mostAffected(ctx, q.maxAffected)}
	out, err := qc.run(ctx, values)
	switch {
	case errors.Is(err, postgres.ErrNoDatabase):
		return q.notice(qc.format), nil
	case err != nil:
		return nil, err
	}
	res := qc.list[0].answer
	if len(qc.list) > 1 {
		res = together(qc.list, qc.format == "json")
	}
	c.DryRun = qc.dry
	res.addNotices(append(out.Notices, qc.tried(ctx)...), qc.format == "json")
	return res, nil
}

// run decides on the statements, runs them and makes their answers.
func (q *queryCall) run(ctx context.Context, values []any) (out postgres.Outcome, err error) {
	if err := q.authorize(ctx); err != nil {
		return out, err
	}
	call, err := q.prepare(ctx, values)
	if err != nil {
		return out, err
	}
	q.permits, err = q.guard.RunAll(ctx, q.permits, func(permits []*guard.Permit) (err error) {
		q.permits = permits
		q.apply(&call)
		q.c.wrote = call.Write && call.Together
		if len(q.list) > 1 || call.Rollback {
			out, err = q.db.Run(ctx, call, q.list[0].sink)
			return err
		}
		one := &parameters{values: values, bounded: permits[0].Statement != nil}
		out, err = one.run(ctx, q.db, call, q.list[0].sink)
		return err
	})
	q.c.wrote, q.c.Rows = call.Write && !call.Rollback && err == nil, out.Rows
	for _, s := range q.list[1:] {
		q.c.Rows += s.out.Rows
	}
	if errors.Is(err, postgres.ErrNoDatabase) {
		return out, err
	}
	q.answers(ctx, q.c.wrote)
	if err != nil {
		err = q.failed(ctx, err)
	}
	return out, err
}

// authorize has the guard decide on each statement by itself.
func (q *queryCall) authorize(ctx context.Context) error {
	sql := q.c.SQL
	pieces := sqlscan.Split(sql)
	if len(pieces) > maxStatements {
		return argumentError(fmt.Sprintf("sql: holds %d statements, more than the maximum %d", len(pieces), maxStatements))
	}
	for i, piece := range pieces {
		p, err := q.guard.Authorize(ctx, piece.SQL)
		if err != nil && !errors.Is(err, postgres.ErrNoDatabase) {
			err = placed(q.withSuggestion(ctx, nil, piece.SQL, err), sql, piece, i, len(pieces))
		}
		if err != nil {
			return err
		}
		q.c.names(p)
		if q.most > 0 && !q.readOnly && p.MayWrite() {
			if err := countable(piece.SQL, p.Statement); err != nil {
				return placed(err, sql, piece, i, len(pieces))
			}
		}
		s := &statement{Piece: piece}
		s.run, s.back = streamed(piece.SQL)
		q.list, q.permits = append(q.list, s), append(q.permits, p)
	}
	return nil
}

// prepare begins the call for the database, and gives each statement its parameters and its sink.
func (q *queryCall) prepare(ctx context.Context, values []any) (postgres.Call, error) {
	limits, err := q.rowLimits(ctx, q.c.args)
	call := postgres.Call{Untrusted: true, MaxRows: limits.rows}
	call.Write = !q.readOnly && slices.ContainsFunc(q.permits, (*guard.Permit).MayWrite)
	if err == nil {
		err = q.assign(values, call.Write && q.dry)
	}
	limits.bytes /= len(q.list)
	for _, s := range q.list {
		if err == nil {
			s.sink, err = newQuerySink(q.format, limits, q.c.Resource != "", q.buffers.get())
		}
	}
	return call, err
}

// apply puts the statements and their permits into the call.
func (q *queryCall) apply(call *postgres.Call) {
	q.permits[0].Apply(call)
	call.SQL, call.Args, call.Then = q.list[0].run, q.list[0].args, nil
	q.changed = 0
	for i, s := range q.list {
		p := q.permits[i]
		s.done, s.answer = false, nil
		answer := func(out postgres.Outcome) error {
			s.done, s.out = true, out
			if !p.Selects { // before the write is committed
				if err := q.bound(out); err != nil {
					return err
				}
				committed := ""
				if call.Write && !q.dry {
					committed = committedAll
				}
				s.answer = q.answer(q.format, s.sink, out, committed, q.limits.reply/len(q.list))
			}
			return nil
		}
		if i == 0 {
			call.Answer = answer
			continue
		}
		call.ProvenClean, call.Together = call.ProvenClean && p.Clean, call.Together && p.Selects
		call.Then = append(call.Then, postgres.Then{SQL: s.run, Args: s.args, Verify: p.Verify, Sink: s.sink, Answer: answer,
			MaxRows: call.MaxRows})
	}
	if q.dry && call.Write {
		tryOut(call, &q.locks)
	}
}

// answers makes those of what only reads by its text. What one leaves of the characters of a reply is for those after
// it. The functions of a SELECT whose rows were cut may have written, and what they wrote may be committed.
func (q *queryCall) answers(ctx context.Context, committed bool) {
	reply := q.limits.reply
	for i, s := range q.list {
		if s.done && s.answer == nil {
			said := ""
			if committed && (s.out.More || s.sink.full()) && !q.guard.OnlyReads(ctx, q.permits[i]) {
				said = committedSome
			}
			s.answer = q.answer(q.format, s.sink, s.out, said, reply/(len(q.list)-i))
		}
		if s.done {
			reply -= s.answer.bytes()
		}
	}
}

// assign gives the parameters to the one of several statements that has placeholders.
func (q *queryCall) assign(values []any, tried bool) (err error) {
	p := &parameters{values: values}
	if len(q.list) == 1 && !tried || len(values) == 0 {
		return nil
	}
	for _, s := range q.list {
		if len(sqlscan.Measure(s.SQL).Placeholders) == 0 {
			continue
		}
		switch {
		case p.values == nil:
			return argumentError("parameters: two of the statements have placeholders: want $1, $2, ... in one of them, " +
				"and the other statement in a call of its own")
		case slices.ContainsFunc(p.values, isArray) || jsonSize(p.values) > maxXML:
			return argumentError("parameters: one is an array, or they are more than 32 KiB: want the statement that takes " +
				"them in a call of its own")
		}
		if s.args, err = p.texts(); err != nil {
			return err
		}
		p.values = nil
	}
	return nil
}

// failed is the error of a call. Where the statements only read, the answers of those before it come with it.
func (q *queryCall) failed(ctx context.Context, err error) error {
	at := 0
	if pg := (*postgres.Error)(nil); errors.As(err, &pg) {
		at = pg.Statement
	}
	at = min(at, len(q.list)-1) // what a dry run asks at the end
	s, p := q.list[at], q.permits[at]
	err = placed(q.withSuggestion(ctx, p, s.SQL, p.Redact(s.back(err))), q.c.SQL, s.Piece, at, len(q.list))
	e := (*Error)(nil)
	if len(q.list) == 1 || !errors.As(err, &e) {
		return err
	}
	n := 0 // those before that only read
	for n < at && q.permits[n].Selects && q.list[n].answer != nil {
		n++
	}
	if n > 0 {
		e.before = together(q.list[:n], q.format == "json").Texts
	}
	if n < at || !p.Selects && e.Code != codeSyntax {
		e.Message = strings.TrimSuffix(e.Message, ".") + ": all statements of the call were undone"
	}
	return err
}

// placed gives an error about one of several statements its number, and its place in the whole SQL.
func placed(err error, sql string, s sqlscan.Piece, at, of int) error {
	e, ok := userMessage(err, s.SQL)
	if of == 1 || !ok {
		return err
	}
	if e.Line > 0 {
		line, column := lineColumn(sql, 1+utf8.RuneCountInString(sql[:s.Start]))
		if e.Line == 1 {
			e.Column += column - 1
		}
		e.Line += line - 1
	}
	e.Message = fmt.Sprintf("statement %d: %s", at+1, strings.TrimPrefix(e.Message, "sql: "))
	return e
}

// together makes one answer of those of the statements, each under its number.
func together(list []*statement, isJSON bool) *Answer {
	var texts []string
	for i, s := range list {
		text := strings.TrimRight(strings.Join(s.answer.Texts, "\n"), "\n")
		if !isJSON {
			text = fmt.Sprintf("Result %d:\n%s", i+1, text)
		}
		texts = append(texts, text)
	}
	if isJSON {
		return textAnswer(`{"results":[` + strings.Join(texts, ",") + `]}`)
	}
	return textAnswer(strings.Join(texts, "\n\n"))
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
		limits.rows, limits.asked = min(int(f), limits.most), int(f) != min(defaultQueryRow, mostRows(q.limits.rows))
	}
	return limits, nil
}

// What is said of a statement that is committed and whose rows were cut.
const (
	committedAll  = "The statement is done and committed for all of them: don't repeat it, SELECT the others"
	committedSome = "The statement uses a function or view that may change data: what it did for the rows that were " +
		"read is committed. Don't repeat it to see more rows; look at the data first"
)

// answer writes the rows, in Markdown to about so many characters.
func (q *queryTool) answer(format any, sink querySink, out postgres.Outcome, committed string, reply int) *Answer {
	if !out.HasRows {
		return q.affected(format, out)
	}
	if out.More {
		out.Command = cmp.Or(out.Command, "SELECT")
	}
	texts, buf := sink.result(out, committed, reply)
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

// streamed gives the SQL to run in place of a caller's, which has the same rows and gives the first of them sooner.
// back turns the place of an error in it into the place in the caller's.
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
