package guard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// Database runs the guard's questions about names.
type Database interface {
	Run(context.Context, postgres.Call, postgres.Sink) (postgres.Outcome, error)
}

// Config says what a Guard decides by.
type Config struct {
	// DB must be set.
	DB Database
	// ReadOnly forbids every change, whoever calls.
	ReadOnly bool
}

// Guard decides whether SQL may run: by the role of the caller, in read-only mode, by both or by neither. It is safe
// for concurrent use.
type Guard struct {
	Config
	memory *memory
	// reader decides in read-only mode, where this Guard does not.
	reader *Guard
}

// New makes a Guard.
func New(c Config) *Guard {
	g := &Guard{Config: c, memory: newMemory()}
	if !c.ReadOnly {
		c.ReadOnly = true
		g.reader = New(c)
	}
	return g
}

// subject is SQL, and whose it is.
type subject struct {
	sql string
	// role is that of the caller; nil where no permissions apply.
	role *Role
	// login names the connection of the role; empty is the server's.
	login string
	// identity is what the SQL runs with; nil is the login as it is.
	identity *postgres.SessionIdentity
}

// subjectOf is SQL of the caller in ctx; the refusal is that it has no role.
func subjectOf(ctx context.Context, sql string) (subject, *Refusal) {
	s := subject{sql: sql}
	caller, authenticated := CallerFrom(ctx)
	switch {
	case authenticated && caller.Role == nil:
		return s, &Refusal{Code: Forbidden, Rule: "role", Message: "this caller has no role"}
	case authenticated:
		s.role, s.login, s.identity = caller.Role, caller.Role.Connection, caller.Identity()
	}
	return s, nil
}

// toolSubject is a statement of a tool, for the caller in ctx. The SQL of a caller tool is held against the caller's
// role. The owner of an owner tool answers for its SQL, which must only keep read-only mode; that of the server's own
// tools does, and is not decided on: ok is false.
func (g *Guard) toolSubject(ctx context.Context, t *catalog.Tool, sql string) (s subject, ok bool, refusal *Refusal) {
	if t.Page != nil && sql == t.Page.First.SQL {
		sql = t.Statement.SQL // which the list of tools has decided on; the page only sorts and bounds its rows
	}
	if t.Trust == catalog.TrustCaller {
		s, refusal = subjectOf(ctx, sql)
		return s, refusal == nil, refusal
	}
	s.sql = sql
	if caller, _ := CallerFrom(ctx); caller != nil && caller.Role != nil {
		s.login = caller.Role.Connection
	}
	return s, g.ReadOnly && t.Source != "", nil
}

// Authorize decides on one statement of the caller in ctx. The error is a *Refusal, or one of the database.
func (g *Guard) Authorize(ctx context.Context, sql string) (*Permit, error) {
	s, refusal := subjectOf(ctx, sql)
	if refusal != nil {
		return nil, refusal
	}
	return g.authorize(ctx, s)
}

// AuthorizeTool decides on one statement of a tool, for the caller in ctx.
func (g *Guard) AuthorizeTool(ctx context.Context, t *catalog.Tool, sql string) (*Permit, error) {
	s, ok, refusal := g.toolSubject(ctx, t, sql)
	switch {
	case refusal != nil:
		return nil, refusal
	case !ok:
		return &Permit{}, nil
	}
	return g.authorize(ctx, s)
}

// Offered returns the tools whose statements would all run for the caller in ctx. It asks the database about all of
// them at once.
func (g *Guard) Offered(ctx context.Context, tools []*catalog.Tool) []*catalog.Tool {
	known, waiting := map[memoryKey]decided{}, map[bool][]subject{} // by whether it is the caller's SQL
	for _, t := range tools {
		for _, sql := range Statements(t) {
			s, ok, _ := g.toolSubject(ctx, t, sql)
			if !ok || s.role == nil && !g.ReadOnly {
				continue
			}
			if d, ok := g.memory.get(s.key()); ok {
				known[s.key()] = d
			} else {
				waiting[s.role != nil] = append(waiting[s.role != nil], s)
			}
		}
	}
	for _, all := range waiting {
		found, err := g.decide(ctx, all)
		for i := range all {
			if err == nil {
				known[all[i].key()] = found[i]
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(tools), func(t *catalog.Tool) bool {
		return slices.ContainsFunc(Statements(t), func(sql string) bool { return !g.offers(ctx, t, sql, known) })
	})
}

// offers reports whether a statement would run, by what is known of it; while the database can't be asked, by its
// names.
func (g *Guard) offers(ctx context.Context, t *catalog.Tool, sql string, known map[memoryKey]decided) bool {
	s, ok, refusal := g.toolSubject(ctx, t, sql)
	if refusal != nil || !ok || s.role == nil && !g.ReadOnly {
		return refusal == nil
	}
	if d, ok := known[s.key()]; ok {
		return d.refusal == nil || d.refusal.Code != Forbidden && d.refusal.Code != ReadOnly
	}
	return t.Trust != catalog.TrustCaller || g.allowsNames(s)
}

// Statements are the SQL of a tool.
func Statements(t *catalog.Tool) []string {
	all := []string{t.Statement.SQL}
	if nf := t.NotFound; nf != nil {
		all = append(all, nf.When.SQL, nf.Suggest.SQL)
	}
	return slices.DeleteFunc(all, func(sql string) bool { return sql == "" })
}

// Run makes the call that a permit is for. Where a name stands for something else by now, the statement is decided on
// once more. The permit that it gives is the one that was used last.
func (g *Guard) Run(ctx context.Context, p *Permit, call func(*Permit) error) (*Permit, error) {
	all, err := g.RunAll(ctx, []*Permit{p}, func(all []*Permit) error { return call(all[0]) })
	return all[0], err
}

// RunAll is Run for the statements of one call.
func (g *Guard) RunAll(ctx context.Context, all []*Permit, call func([]*Permit) error) ([]*Permit, error) {
	err := call(all)
	if !errors.Is(err, postgres.ErrChanged) {
		return all, err
	}
	again := make([]*Permit, len(all))
	for i, p := range all {
		g.memory.forget(p.subject.key())
		if again[i], err = g.authorize(ctx, p.subject); err != nil {
			return all, err
		}
	}
	if err = call(again); errors.Is(err, postgres.ErrChanged) {
		err = &Refusal{Code: "40001", Message: "the tables of the statement are being changed",
			Hint: "try again in a moment", Retryable: true}
	}
	return again, err
}

// OnlyReads reports whether the statement of a permit provably changes nothing, with all that it uses.
func (g *Guard) OnlyReads(ctx context.Context, p *Permit) bool {
	if p.Reads || g.ReadOnly {
		return true
	}
	s := p.subject
	s.role = nil
	_, err := g.reader.authorize(ctx, s)
	return err == nil
}

// Forget drops all decisions.
func (g *Guard) Forget() {
	g.memory.purge()
	if g.reader != nil {
		g.reader.memory.purge()
	}
}

func (g *Guard) authorize(ctx context.Context, s subject) (*Permit, error) {
	p := &Permit{Role: s.role, Identity: s.identity, subject: s}
	if s.role != nil {
		p.Limits = s.role.Limits
	}
	if s.role == nil && !g.ReadOnly {
		return p, g.unrestricted(s, p)
	}
	d, ok := g.memory.get(s.key())
	if !ok {
		all, err := g.decide(ctx, []subject{s})
		if err != nil {
			return nil, asRefusal(err)
		}
		d = all[0]
	}
	if d.refusal != nil {
		return nil, d.refusal
	}
	p.Statement, p.Verify, p.Clean, p.Selects = d.statement, d.verify, d.clean, !d.statement.Writes()
	p.Reads = p.Clean && onlySelects(d.statement)
	return p, nil
}

// decide decides on SQL of one caller, and remembers that. The database is asked once about the names of all of it, and
// once about those of the bodies of functions, as a rule.
func (g *Guard) decide(ctx context.Context, all []subject) ([]decided, error) {
	out := make([]decided, len(all))
	var questions []question
	var asked []int
	restriction := Restriction{Role: all[0].role, ReadOnly: g.ReadOnly}
	for i, s := range all {
		st, err := sqlscan.Analyze(s.sql)
		if err == nil {
			if r := restriction.Early(st); r != nil {
				err = r
			}
		}
		if err = asRefusal(err); errors.As(err, &out[i].refusal) { // which costs nothing to find again
			continue
		} else if err != nil {
			return nil, err
		}
		out[i].statement, out[i].until = st, time.Now().Add(rememberedFor)
		questions, asked = append(questions, newQuestion(st, s.role, nil)), append(asked, i)
	}
	if asked == nil {
		return out, nil
	}
	found, resolved, err := g.ask(ctx, questions, all[0].identity)
	if err != nil {
		return nil, err
	}
	u := &uses{Guard: g, graph: found, of: all[0], read: map[memoryKey]*readText{}}
	walks := map[int]*walk{}
	for k, i := range asked {
		verdict, refusal := restriction.Decide(all[i].sql, out[i].statement, resolved[k])
		if out[i].refusal = refusal; refusal == nil {
			walks[i] = &walk{uses: u, seen: map[inPath]bool{}}
			g.allowed(&out[i], verdict, resolved[k])
			out[i].refusal = walks[i].start(verdict.Uses)
		}
	}
	if err := finish(ctx, u, walks, out); err != nil {
		return nil, err
	}
	for i, s := range all {
		g.memory.put(s.key(), out[i])
	}
	return out, nil
}

// allowed puts a verdict into the decision on its statement. What may show a secret is not remembered: there can be one
// a moment later.
func (g *Guard) allowed(d *decided, v verdict, resolved *Resolved) {
	if v.Unresolved || g.ReadOnly && mayShowSecrets(d.statement) {
		d.until = time.Time{}
	}
	d.clean, d.verify = v.Clean, verification(d.statement, resolved)
}

// finish decides on texts as long as there are any.
func finish(ctx context.Context, u *uses, walks map[int]*walk, out []decided) error {
	for waiting := true; waiting; {
		waiting = false
		for i, w := range walks {
			waiting = waiting || out[i].refusal == nil && w.todo != nil
		}
		if !waiting {
			break
		}
		if err := u.resolve(ctx); err != nil {
			return err
		}
		for i, w := range walks {
			if out[i].refusal == nil {
				out[i].refusal = w.goOn()
			}
		}
	}
	for i, w := range walks {
		if out[i].refusal == nil {
			w.remember()
		}
	}
	return nil
}

// allowsNames decides by what is written alone, for a list while the database can't be asked: what the role does not
// name is not in it.
func (g *Guard) allowsNames(s subject) bool {
	st, err := sqlscan.Analyze(s.sql)
	if err != nil {
		return false
	}
	nothing := newResolved(st)
	nothing.Encoding = "UTF8"
	_, refusal := Restriction{Role: s.role, ReadOnly: g.ReadOnly}.Decide(s.sql, st, nothing)
	return refusal == nil
}

// verification holds the relations that were decided on.
func verification(st *sqlscan.Statement, resolved *Resolved) *postgres.Verify {
	v := &postgres.Verify{}
	for i, r := range st.Relations {
		if found := resolved.Relations[i]; found != nil {
			v.Names, v.OIDs = append(v.Names, pgtext.Identifier(r.Schema, r.Name)), append(v.OIDs, found.OID)
		}
	}
	if v.Names == nil {
		return nil
	}
	return v
}

// Commands that would be answered and have no effect, because a call is a transaction and a session of its own.
var (
	transactionCommands = strings.Fields("BEGIN START COMMIT ROLLBACK SAVEPOINT RELEASE")
	sessionCommands     = strings.Fields(
		"SET RESET LISTEN UNLISTEN PREPARE EXECUTE DEALLOCATE DECLARE FETCH MOVE CLOSE DISCARD LOAD")
)

// unrestricted refuses only statements that would have no effect in a call. SQL that can't be parsed is left to
// PostgreSQL. A SELECT without names runs no code but PostgreSQL's own; names are not looked up here.
func (g *Guard) unrestricted(s subject, p *Permit) error {
	d, ok := g.memory.get(s.key())
	if !ok {
		st, err := sqlscan.Analyze(s.sql)
		if err != nil {
			return nil
		}
		d = decided{statement: st, until: time.Now().Add(rememberedFor)}
		g.memory.put(s.key(), d)
	}
	st := d.statement
	if p.Selects = !st.Writes(); st.Explain {
		return nil
	}
	command, _, _ := strings.Cut(st.Command, " ")
	switch {
	case slices.Contains(transactionCommands, command):
		return invalid("sql: " + command + " has no effect, because each call is a transaction of its own: " +
			"send the statements together, without it")
	case slices.Contains(sessionCommands, command):
		return invalid("sql: " + command + " has no effect, because nothing of a session lasts from one call to the next")
	}
	named := len(st.Relations) + len(st.Functions) + len(st.Operators) + len(st.Types) + len(st.Constructs)
	p.Clean = named == 0 && onlySelects(st)
	p.Reads = p.Clean
	return nil
}

// onlySelects reports a SELECT that makes no table, writes to none and locks no row. The functions that it calls are
// another matter.
func onlySelects(st *sqlscan.Statement) bool {
	return st.Command == "SELECT" && !st.Into &&
		!slices.ContainsFunc(st.Relations, func(r sqlscan.Relation) bool { return r.Ops&^sqlscan.OpSelect != 0 })
}
