package registry

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// sqlTool runs one tool file. It is the one handler of all of them.
type sqlTool struct {
	tool   *catalog.Tool
	db     Database
	guard  *tracedGuard
	notes  *notes
	limits rowLimits
	// columns are those that the database described, nil if it did not; with others the tool goes to recheck.
	columns []postgres.Column
	recheck *Recheck
	buffers buffers
	// database is its name among several; else it is empty.
	database string
	// maxAffected is the most rows that a call may change, of the server; zero is no limit.
	maxAffected int
}

func (h *sqlTool) call(ctx context.Context, c *call) (*Answer, error) {
	st, own, err := h.statement(ctx, c.args)
	if err != nil {
		return nil, err
	}
	sink := h.sink(ctx, c.args)
	defer func() { h.buffers.put(sink.buf) }()
	call := h.dbCall(ctx, st, bind(h.tool, st, plainNames(h.tool, c.args), own))
	call.Write, call.MaxRows = h.tool.Access == catalog.Write, sink.limits.rows
	call.MaxAffected = mostAffected(ctx, h.tool.Limits.MaxAffected, h.maxAffected)
	var locks firstColumn
	if c.args[catalog.ArgDryRun] == true && h.tool.CanTry() {
		tryOut(&call, &locks)
	}
	res, out, err := h.answer(ctx, call, sink, c.args)
	c.Rows, c.wrote = out.Rows, call.Write && !call.Rollback && err == nil
	switch {
	case errors.Is(err, postgres.ErrNoDatabase):
		return noticeAnswer(h.tool.Result, h.columns), nil
	case err != nil:
		return nil, err
	case h.tool.Result == catalog.Query:
		return h.runWritten(ctx, c, res.Texts[0])
	}
	if c.DryRun = call.Rollback; c.DryRun {
		out.Notices = append(out.Notices, triedNotice(ctx, locks.values))
	}
	res.addNotices(out.Notices, res.JSON != "" && (h.tool.Result != catalog.Object || !sink.hasColumn(noticesMember)))
	return res, nil
}

// answer runs the call and makes the answer of it. One that has nothing in it may be the error not_found, but for the
// pages after the first.
func (h *sqlTool) answer(ctx context.Context, call postgres.Call, sink *objectRows, args map[string]any) (
	res *Answer, out postgres.Outcome, err error) {
	explain := h.tool.Page == nil || call.SQL != h.tool.Page.Next.SQL
	call.Answer = func(out postgres.Outcome) (err error) {
		h.compare(ctx, sink)
		if explain && h.empty(sink, out) {
			return errEmpty
		}
		res, err = h.result(args, sink, out)
		return err
	}
	out, err = h.run(ctx, call, sink)
	if !errors.Is(err, errEmpty) {
		return res, out, err
	}
	explain = false
	switch err = h.notFound(ctx, args); {
	case err == nil && call.Write:
		out, err = h.run(ctx, call, sink)
	case err == nil:
		res, err = h.result(args, sink, out)
	}
	return res, out, err
}

// errEmpty is an answer that has nothing in it, which may be the error not_found: a write is rolled back then.
var errEmpty = errors.New("nothing was found")

func (h *sqlTool) sink(ctx context.Context, args map[string]any) *objectRows {
	sink := &objectRows{limits: h.rowLimits(ctx, args), whole: true, buf: h.buffers.get(),
		omitNull: h.tool.OmitNull && h.tool.Result != catalog.Value}
	if h.tool.Result == catalog.Rows {
		sink.prefix = itemsPrefix
	}
	if h.tool.Page != nil {
		sink.keys = h.tool.Page.Key
	}
	if h.tool.Result == catalog.Text || h.tool.Result == catalog.Query {
		sink.once, sink.limits.cell = true, sink.limits.bytes
	}
	return sink
}

// compare asks for a new description of a tool whose answer has other columns than the database described.
func (h *sqlTool) compare(ctx context.Context, sink *objectRows) {
	if h.recheck != nil && h.columns != nil && !sink.has(h.columns) && h.asDescribed(ctx) {
		h.recheck.add(h.tool.Name)
	}
}

// dbCall is a call of one of the tool's statements. The tool's owner vouches for the SQL of an owner tool: it runs with
// the rights of the login. Only what the server's own tools write SQL from is asked as the role that the SQL runs with.
func (h *sqlTool) dbCall(ctx context.Context, st catalog.Statement, values [][]byte) postgres.Call {
	id := identity(ctx)
	if id != nil && h.tool.Trust == catalog.TrustOwner {
		id.KeepPath = h.keepsPath()
		if h.tool.Source != "" || h.tool.Result != catalog.Query {
			id.DatabaseRole = ""
		}
	}
	return postgres.Call{
		SQL: st.SQL, Args: values, Prepare: true, LeavesState: h.leaves(st), GenericPlan: h.tool.Source == "",
		Timeout: roleTimeout(ctx, h.tool.Limits.Timeout), Identity: id,
		OwnNotices: id != nil,
	}
}

// empty reports an answer that not_found explains: no row, or no row affected.
func (h *sqlTool) empty(sink *objectRows, out postgres.Outcome) bool {
	switch {
	case h.tool.NotFound == nil && !takesNames(h.tool) &&
		(h.tool.Result == catalog.Affected || h.tool.Result == catalog.Rows):
		return false
	case h.tool.Result == catalog.Affected:
		return out.Affected == 0
	}
	return sink.rows == 0 && !sink.overflow && out.HasRows
}

// statement chooses the statement of the call and gives the values that the server binds itself.
func (h *sqlTool) statement(ctx context.Context, args map[string]any) (catalog.Statement, map[string][]byte, error) {
	page, own := h.tool.Page, h.ownArgs(ctx, h.tool.Statement)
	if page == nil {
		return h.tool.Statement, own, nil
	}
	if own == nil {
		own = map[string][]byte{}
	}
	own[catalog.PageLimit] = strconv.AppendInt(nil, int64(h.rowLimits(ctx, args).rows)+1, 10)
	key, err := h.pageKey(args)
	if err != nil || key == nil {
		return page.First, own, err
	}
	for i, k := range key {
		own[catalog.PageKey(i+1)] = []byte(k)
	}
	return page.Next, own, nil
}

// ownArgs are the values of @caller_* and @notes, by name.
func (h *sqlTool) ownArgs(ctx context.Context, st catalog.Statement) map[string][]byte {
	own := callerArgs(ctx)
	if slices.Contains(st.Args, catalog.ArgNotes) {
		if own == nil {
			own = map[string][]byte{}
		}
		own[catalog.ArgNotes] = h.notes.shownTo(ctx)
	}
	return own
}

// rowLimits are the server's limits, made smaller by the role's, the tool's and the call's; a page has its own number
// of rows.
func (h *sqlTool) rowLimits(ctx context.Context, args map[string]any) rowLimits {
	l := h.limits.withRole(ctx)
	if n := h.tool.Limits.Rows; n > 0 {
		l.rows = min(l.rows, n)
	}
	if n := h.tool.Limits.Bytes; n > 0 {
		l.bytes = min(l.bytes, n)
	}
	switch h.tool.Result {
	case catalog.Object, catalog.Text, catalog.Query:
		l.rows = 1
	case catalog.Value: // which is all that the call is for
		l.rows, l.bulk = 1, 0
	case catalog.Rows:
		if n, ok := args[catalog.ArgPageSize].(json.Number); ok && h.tool.Page != nil {
			size, err := strconv.ParseFloat(n.String(), 64)
			if err == nil {
				l.rows = int(size)
				l = l.withRole(ctx)
			}
		}
	}
	return l
}

func (h *sqlTool) result(args map[string]any, sink *objectRows, out postgres.Outcome) (*Answer, error) {
	switch h.tool.Result {
	case catalog.Affected:
		return jsonAnswer(affectedJSON(out)), nil
	case catalog.Object, catalog.Value, catalog.Text, catalog.Query:
		return h.single(sink, out)
	}
	return h.rows(args, sink, out)
}

// rows is the answer that has rows.
func (h *sqlTool) rows(args map[string]any, sink *objectRows, out postgres.Outcome) (*Answer, error) {
	switch {
	case !out.HasRows:
		return nil, h.misfit("the statement gives no columns")
	case sink.overflow && sink.rows == 0:
		return nil, h.tooLarge(sink.limits.bytes)
	}
	body := append(sink.buf, ']')
	if h.tool.Page != nil && out.More {
		next, err := h.nextCursor(args, sink.lastKey)
		if err != nil {
			return nil, fmt.Errorf("writing the cursor: %w", err)
		}
		body = append(body, `,"next_cursor":"`+next+`"`...)
		sink.overflow, out.More = false, false // a page is not cut
	}
	if cut := sink.truncated(out.More); cut != nil {
		body = cut.appendJSON(append(body, ','), "truncated")
		if h.tool.Access == catalog.Write {
			body = appendDone(append(body, ','), out)
		}
	}
	return jsonAnswer(append(body, '}')), nil
}

// single is the answer of object, value and text tools.
func (h *sqlTool) single(sink *objectRows, out postgres.Outcome) (*Answer, error) {
	switch {
	case !out.HasRows:
		return nil, h.misfit("the statement gives no columns")
	case sink.overflow:
		return nil, h.tooLarge(sink.limits.bytes)
	case out.More:
		return nil, h.misfit("the tool gives more than one row")
	}
	body := sink.buf
	if h.tool.Result != catalog.Object {
		if len(sink.names) != 1 {
			return nil, h.misfit(fmt.Sprintf("the tool gives %d columns", len(sink.names)))
		}
		body = append([]byte(`{"value":`), body[1+len(sink.names[0]):]...)
	}
	if h.tool.Result == catalog.Text || h.tool.Result == catalog.Query {
		var text struct{ Value *string }
		if err := json.Unmarshal(body, &text); err != nil || text.Value == nil && h.tool.Result == catalog.Query {
			return nil, h.misfit("the column is no text")
		}
		if text.Value == nil {
			return textAnswer(""), nil
		}
		return textAnswer(*text.Value), nil
	}
	if sink.cut == 0 {
		return jsonAnswer(body), nil
	}
	cut, name := sink.truncated(false), unlike("truncated", sink.cols)
	for i := range cut.Cells {
		cut.Cells[i].Row = 0
		if h.tool.Result == catalog.Value {
			cut.Cells[i].Column, name = "value", "truncated"
		}
	}
	return jsonAnswer(append(cut.appendJSON(append(body[:len(body)-1], ','), name), '}')), nil
}

// runWritten runs the SQL that a tool of the result query has written, READ ONLY, and as the caller's own: the guard
// decides on it for the caller, whoever answers for the file.
func (h *sqlTool) runWritten(ctx context.Context, c *call, sql string) (*Answer, error) {
	c.SQL = sql
	p, err := h.guard.Authorize(ctx, sql)
	if err != nil {
		return nil, err
	}
	c.names(p)
	limits := h.limits.withRole(ctx)
	if n := h.tool.Limits.Rows; n > 0 {
		limits.rows = min(limits.rows, n)
	}
	sink := &objectRows{prefix: itemsPrefix, limits: limits, whole: true, omitNull: h.tool.OmitNull, buf: h.buffers.get()}
	defer func() { h.buffers.put(sink.buf) }()
	var res *Answer
	p, err = h.guard.Run(ctx, p, func(p *guard.Permit) error {
		call := postgres.Call{SQL: sql, Untrusted: true, MaxRows: limits.rows}
		p.Apply(&call)
		call.Timeout = roleTimeout(ctx, h.tool.Limits.Timeout)
		call.Answer = func(out postgres.Outcome) (err error) {
			c.Rows = out.Rows
			res, err = h.rows(nil, sink, out)
			return err
		}
		_, err := h.db.Run(ctx, call, sink)
		return err
	})
	if e, ok := userMessage(p.Redact(err), sql); ok && err != nil {
		e.Line, e.Column = 0, 0 // in SQL that the caller did not write
		return nil, e
	}
	return res, err
}

func (h *sqlTool) tooLarge(limit int) error {
	message := fmt.Sprintf("the answer is larger than the limit of %d bytes", limit)
	return &Error{Code: codeTooLarge, Message: message + h.undone(), Hint: "ask for less"}
}

// misfit is the error for an answer that does not fit the result that the tool declares.
func (h *sqlTool) misfit(problem string) error {
	return &Error{Code: codeTooLarge, Message: problem + ": its result is \"" + string(h.tool.Result) + "\"" + h.undone()}
}

// undone ends the message of a write that failed.
func (h *sqlTool) undone() string {
	if h.tool.Access == catalog.Write {
		return ": nothing was changed"
	}
	return ""
}

func affectedJSON(out postgres.Outcome) []byte {
	return fmt.Appendf(nil, `{"affected":%d,"command":%q}`, out.Affected, out.Command)
}

// appendDone says beside the rows of a write that were cut that all of it is done, for nobody shall repeat it to see
// the others.
func appendDone(dst []byte, out postgres.Outcome) []byte {
	dst = append(dst, `"committed":true`...)
	if out.Command != "SELECT" {
		dst = fmt.Appendf(dst, `,"affected":%d`, out.Affected)
	}
	return dst
}

// run runs a statement that is allowed.
func (h *sqlTool) run(ctx context.Context, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	p, err := h.guard.AuthorizeTool(ctx, h.tool, call.SQL)
	if err != nil {
		return postgres.Outcome{}, err
	}
	var out postgres.Outcome
	p, err = h.guard.Run(ctx, p, func(p *guard.Permit) (err error) {
		call.Verify = p.Verify
		out, err = h.db.Run(ctx, call, sink)
		return err
	})
	if err != nil {
		err = p.Redact(err)
	}
	return out, err
}

// asDescribed reports whether the tool's names mean to a call what they meant when the database described the tool:
// those of a role's search path or login are other ones, and say nothing about the tool.
func (h *sqlTool) asDescribed(ctx context.Context) bool {
	role, on := roleOf(ctx)
	return !on || h.keepsPath() && (role == nil || role.Connection == "")
}

// keepsPath reports whether the tool runs with the search path of the login, whoever calls: what its owner vouches for.
// The tools that come with the server take the schemas of the role as the ones to begin with, but for what an extension
// has.
func (h *sqlTool) keepsPath() bool {
	return h.tool.Trust == catalog.TrustOwner && (h.tool.Source != "" || len(h.tool.Requires.Extensions) > 0)
}

// leaves reports whether a statement of an operator's tool may change the session for the next caller, by a setting or
// a lock: a write by a trigger, a read by a function that is not known to be harmless.
func (h *sqlTool) leaves(st catalog.Statement) bool {
	if h.tool.Source == "" {
		return false
	}
	analysis := st.Analysis
	if analysis == nil { // a page is the statement of the tool, wrapped
		analysis = h.tool.Statement.Analysis
	}
	return h.tool.Access == catalog.Write || analysis == nil ||
		slices.ContainsFunc(analysis.Functions, func(f sqlscan.Object) bool { return !guard.OwnFunction(f.Name, nil) })
}

// cursor is the place after one page. It is opaque to callers and belongs to one tool, one set of arguments and one
// database; its values travel as bound parameters, so a forged one can do nothing but move the place.
type cursor struct {
	Bound string   `json:"b"` // binding
	Key   []string `json:"k"`
}

// binding is a fingerprint of the tool, of its arguments other than those of the page, and of the database where there
// are several.
func (h *sqlTool) binding(args map[string]any) (string, error) {
	t := h.tool
	own := make(map[string]any, len(args))
	for _, p := range t.Params {
		if v, ok := args[p.Name]; ok {
			own[p.Name] = v
		}
	}
	of := []any{t.Name, t.Page.Key, t.Page.Descending, own}
	if h.database != "" {
		of = append(of, h.database)
	}
	b, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:9]), nil
}

func (h *sqlTool) nextCursor(args map[string]any, key []string) (string, error) {
	bound, err := h.binding(args)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(cursor{Bound: bound, Key: key})
	return base64.RawURLEncoding.EncodeToString(b), err
}

// pageKey reads the cursor of a call; nil without one.
func (h *sqlTool) pageKey(args map[string]any) ([]string, error) {
	text, ok := args[catalog.ArgCursor].(string)
	if !ok || text == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil || len(c.Key) != len(h.tool.Page.Key) ||
		slices.ContainsFunc(c.Key, func(k string) bool { return slices.Contains([]byte(k), 0) }) {
		return nil, argumentError("cursor: not a cursor of this server: want the next_cursor of the previous page, or " +
			"leave it out for the first page")
	}
	bound, err := h.binding(args)
	if err != nil {
		return nil, err
	}
	if c.Bound != bound {
		return nil, argumentError("cursor: belongs to a call of another tool or with other arguments: repeat the arguments " +
			"of the first page, or leave the cursor out")
	}
	return c.Key, nil
}
