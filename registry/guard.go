package registry

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Bounds of what the guard remembers.
const (
	maxDecisions     = 1000
	maxDecisionBytes = 1 << 20 // of SQL
	decisionLife     = 30 * time.Second
)

// checker decides on a caller's SQL: by the caller's role, in read-only mode, or neither.
type checker struct {
	db       Database
	readOnly bool
	analyzer *sqlscan.Analyzer
	trace    func(context.Context, string) (context.Context, func(string)) // may be nil

	mu        sync.Mutex
	decisions *simplelru.LRU[decisionKey, decision]
	bytes     int
	// sound are the views and functions that were found to do nothing that is refused, and until when that stands.
	sound *simplelru.LRU[soundKey, time.Time]
}

// soundKey is all that is behind a name: a body means what the search path makes of it.
type soundKey struct {
	login, path string
	oid         uint32
}

// decisionKey is all that a decision depends on, but what is in the database: a role stands for its search path.
type decisionKey struct {
	sql   string
	role  *guard.Role
	login string
}

// decision is what was decided on, and until when that stands.
type decision struct {
	st     *sqlscan.Statement
	verify *postgres.Verify
	clean  bool
	until  time.Time
	// refusal is why it is not run; nil for what is allowed.
	refusal *guard.Refusal
}

func newGuard(db Database, readOnly bool) *checker {
	g := &checker{db: db, readOnly: readOnly, analyzer: sqlscan.NewAnalyzer(maxDecisions)}
	var err, err2 error
	g.decisions, err = simplelru.NewLRU(maxDecisions, func(k decisionKey, _ decision) { g.bytes -= len(k.sql) })
	g.sound, err2 = simplelru.NewLRU[soundKey, time.Time](maxDecisions, nil)
	if errors.Join(err, err2) != nil {
		panic("maxDecisions is not positive")
	}
	return g
}

// Check decides on one statement of the caller in ctx. The error is a *callError that says what is refused and why, or one of
// the database.
func (g *checker) Check(ctx context.Context, sql string) (*Plan, error) {
	caller, authenticated := guard.CallerFrom(ctx)
	if authenticated && caller.Role == nil {
		return nil, &callError{Code: guard.Forbidden, Message: "this caller has no role", rule: "role"}
	}
	return g.check(ctx, sql, g.plan(ctx, caller))
}

func (g *checker) check(ctx context.Context, sql string, p *Plan) (*Plan, error) {
	if g.trace == nil {
		return g.checked(ctx, sql, p)
	}
	ctx, end := g.trace(ctx, "guard")
	p, err := g.checked(ctx, sql, p)
	code := ""
	if e, ok := userMessage(err, ""); ok {
		code = e.Code
	} else if err != nil {
		code = codeInternal
	}
	end(code)
	return p, err
}

func (g *checker) checked(ctx context.Context, sql string, p *Plan) (*Plan, error) {
	if p.role == nil && !g.readOnly {
		return p, g.unguarded(sql, p)
	}
	key := decisionKey{sql, p.role, loginOf(ctx)}
	d, ok := g.remembered(key)
	if !ok {
		var err error
		if d, err = g.decide(ctx, sql, p); err != nil && !errors.As(err, &d.refusal) {
			return nil, refused(err, sql)
		}
		g.remember(key, d)
	}
	if d.refusal != nil {
		return nil, refused(d.refusal, sql)
	}
	p.Statement, p.Verify, p.Clean, p.Selects = d.st, d.verify, d.clean, !d.st.Writes()
	p.Reads = p.Clean && onlySelects(d.st)
	return p, nil
}

// run runs what Check has allowed. Where a name stands for something else since, that is decided on once more.
func (g *checker) run(ctx context.Context, sql string, p *Plan, call func(*Plan) error) (*Plan, error) {
	err := call(p)
	if !errors.Is(err, postgres.ErrChanged) {
		return p, err
	}
	g.forget(decisionKey{sql, p.role, loginOf(ctx)})
	again, err := g.check(ctx, sql, p)
	if err != nil {
		return p, err
	}
	if err = call(again); errors.Is(err, postgres.ErrChanged) {
		err = &callError{Code: "40001", Message: "the tables of the statement are being changed", Hint: "try again in a moment", Retryable: true}
	}
	return again, err
}

// plan is how the calls of a caller are run, before any decision. The database finds the caller's login by itself.
func (g *checker) plan(ctx context.Context, caller *guard.Caller) *Plan {
	p := &Plan{DB: g.db, Identity: identity(ctx)}
	if caller != nil {
		p.role, p.Limits = caller.Role, caller.Role.Limits
	}
	return p
}

// loginOf names the login that the calls of the caller in ctx are run with; empty is the server's.
func loginOf(ctx context.Context) string {
	if role, _ := roleOf(ctx); role != nil {
		return role.Connection
	}
	return ""
}

func (g *checker) decide(ctx context.Context, sql string, p *Plan) (decision, error) {
	st, err := g.analyzer.Analyze(sql)
	if err != nil {
		return decision{}, err
	}
	gate := guard.Guard{Role: p.role, ReadOnly: g.readOnly}
	if r := gate.Early(st); r != nil {
		return decision{}, r
	}
	d := decision{st: st, until: time.Now().Add(decisionLife)}
	facts, err := g.facts(ctx, p.DB, st, nil, p.Identity, p.role)
	if err != nil {
		return decision{}, err
	}
	verdict, refusal := gate.Decide(sql, st, facts)
	if refusal != nil {
		return d, refusal
	}
	x := expansion{checker: g, db: p.DB, login: loginOf(ctx), path: p.sessionPath(), seen: map[soundKey]bool{}}
	if err := x.behind(ctx, verdict); err != nil {
		return d, err
	}
	x.remember()
	if verdict.Unresolved || g.readOnly && guard.MayShowSecrets(st) { // there can be a secret a moment later
		d.until = time.Time{}
	}
	d.clean, d.verify = verdict.Clean, verification(st, facts)
	return d, nil
}

// byNames decides by what is written alone, for a list while the database can't be asked: what the role does not name is not in it.
func (g *checker) byNames(sql string, role *guard.Role) bool {
	st, err := g.analyzer.Analyze(sql)
	if err != nil {
		return false
	}
	nothing := &factsSink{st: st}
	nothing.Columns(nil)
	nothing.facts.Encoding = "UTF8"
	_, refusal := guard.Guard{Role: role, ReadOnly: g.readOnly}.Decide(sql, st, nothing.facts)
	return refusal == nil
}

// verification holds the relations that were decided on.
func verification(st *sqlscan.Statement, facts *guard.Facts) *postgres.Verify {
	v := &postgres.Verify{}
	for i, r := range st.Relations {
		if found := facts.Relations[i]; found != nil {
			v.Names, v.OIDs = append(v.Names, pgtext.Identifier(r.Schema, r.Name)), append(v.OIDs, found.OID)
		}
	}
	if v.Names == nil {
		return nil
	}
	return v
}

func (g *checker) remembered(key decisionKey) (decision, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	d, ok := g.decisions.Get(key)
	return d, ok && time.Now().Before(d.until)
}

func (g *checker) remember(key decisionKey, d decision) {
	if d.until.IsZero() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.decisions.Remove(key)
	g.decisions.Add(key, d)
	g.bytes += len(key.sql)
	for g.bytes > maxDecisionBytes {
		g.decisions.RemoveOldest()
	}
}

func (g *checker) forget(key decisionKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.decisions.Remove(key)
}

// forgetAll drops every decision by a role.
func (g *checker) forgetAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.decisions.Purge()
}

// Commands that would be answered and have no effect, because a call is a transaction and a session of its own.
var (
	transactionCommands = []string{"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"}
	sessionCommands     = []string{"SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "EXECUTE", "DEALLOCATE", "DECLARE", "FETCH", "MOVE",
		"CLOSE", "DISCARD", "LOAD"}
)

// unguarded refuses only what can't do what its caller expects. SQL that is not understood is PostgreSQL's to judge. A SELECT
// that names nothing runs no code but PostgreSQL's own; what stands behind a name would have to be asked for.
func (g *checker) unguarded(sql string, p *Plan) error {
	st, err := g.analyzer.Analyze(sql)
	if err != nil {
		return nil
	}
	if p.Selects = !st.Writes(); st.Explain {
		return nil
	}
	command, _, _ := strings.Cut(st.Command, " ")
	switch {
	case slices.Contains(transactionCommands, command):
		return argumentError("sql: " + command + " has no effect, because each call is a transaction of its own: send the statements alone; " +
			"WITH joins several writes into one")
	case slices.Contains(sessionCommands, command):
		return argumentError("sql: " + command + " has no effect, because nothing of a session lasts from one call to the next")
	}
	named := len(st.Relations) + len(st.Functions) + len(st.Operators) + len(st.Types) + len(st.Constructs)
	p.Clean = named == 0 && onlySelects(st)
	p.Reads = p.Clean
	return nil
}

// onlySelects reports a SELECT that makes no table, writes to none and locks no row. The functions that it calls are another matter.
func onlySelects(st *sqlscan.Statement) bool {
	return st.Command == "SELECT" && !st.Into &&
		!slices.ContainsFunc(st.Relations, func(r sqlscan.Relation) bool { return r.Ops&^sqlscan.OpSelect != 0 })
}

// refused words why a statement is not run. What can't be understood can't be allowed.
func refused(err error, sql string) error {
	var refusal *guard.Refusal
	var syntax *sqlscan.SyntaxError
	var unsupported *sqlscan.UnsupportedError
	var limit *sqlscan.LimitError
	var pg *postgres.Error
	switch {
	case errors.As(err, &pg) && pg.Code == codeDenied:
		// The statement itself has not run: what is denied are the questions about it.
		return &callError{Code: pg.Code, Message: "what the statement may do is looked up in PostgreSQL's catalogs first, and this server's login can't: " + pg.Message,
			Hint: "this is for the operator to mend: GRANT SELECT ON that catalog to the login"}
	case errors.As(err, &limit):
		return argumentError("sql: " + limit.Message)
	case errors.As(err, &refusal):
		return located(&callError{Code: refusal.Code, Message: refusal.Message, rule: refusal.Rule}, sql, refusal.Position)
	case errors.As(err, &syntax):
		e := &callError{Code: "42601", Message: syntax.Message}
		if syntax.Grammar {
			e.Hint = "SQL is read here with the syntax of PostgreSQL " + sqlscan.GrammarVersion
		}
		return located(e, sql, syntax.Position)
	case errors.As(err, &unsupported):
		return &callError{Code: guard.Forbidden, Message: unsupported.Error(), rule: "grammar"}
	}
	return err
}

func located(e *callError, sql string, position int) *callError {
	if position > 0 {
		e.Line, e.Column = lineColumn(sql, position)
	}
	return e
}
