package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
)

// argDatabase is the argument that says in which database a tool works.
const argDatabase = "database"

// Served is a database with what is offered of it.
type Served struct {
	// Name and Description are empty where there is one database.
	Name, Description string
	// Main says that it is the default one.
	Main bool
	// Slots is how many calls run at once in it.
	Slots int
	*Registry

	calls sync.RWMutex // held for reading by each call
	ended bool
}

// End waits for the calls in flight. The database must not be among the Databases any more; what comes late to it is
// refused as the call of a database that there is not.
func (s *Served) End() {
	s.calls.Lock()
	defer s.calls.Unlock()
	s.ended = true
}

// callHere makes a call, unless the database has ended meanwhile: ok is false then.
func (s *Served) callHere(ctx context.Context, name string, args json.RawMessage) (a *Answer, ok bool, err error) {
	s.calls.RLock()
	defer s.calls.RUnlock()
	if s.ended {
		return nil, false, nil
	}
	a, err = s.Call(ctx, name, args)
	return a, true, err
}

// Databases are all that a process serves. Of several, tools take the argument database, and each caller sees those
// that its role has. With one, nothing of this is to be seen.
type Databases struct {
	all  atomic.Pointer[[]*Served] // the default one first
	list *tool                     // list_databases

	mu      sync.Mutex // guards servers; held while tools are replaced
	servers []*server.MCPServer
}

// NewDatabases serves the given ones, at least one, of which the first is the default.
func NewDatabases(all ...*Served) *Databases {
	d := &Databases{}
	d.list = d.newListDatabases()
	d.join(all)
	return d
}

// Set replaces the databases. Calls in flight end as they began.
func (d *Databases) Set(all []*Served) {
	d.join(all)
	d.refresh(true, true)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.servers {
		s.SetResourceTemplates(d.templates()...)
	}
}

func (d *Databases) join(all []*Served) {
	for _, s := range all {
		s.databases.Store(d)
	}
	d.all.Store(&all)
}

// All are the databases, the default one first.
func (d *Databases) All() []*Served { return *d.all.Load() }

// several reports whether there is more than one.
func (d *Databases) several() bool { return len(d.All()) > 1 }

// choice reports whether the caller may use more than one. Who may not is shown nothing of several.
func (d *Databases) choice(ctx context.Context) bool { return len(d.visible(ctx)) > 1 }

// Names are the names of all tools.
func (d *Databases) Names() []string {
	var names []string
	for _, s := range d.All() {
		names = append(names, s.Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// SetRoleDBs is that of each Registry.
func (d *Databases) SetRoleDBs(own map[string]Database) {
	for _, s := range d.All() {
		s.routes.own.Store(&own)
	}
}

// RulesChanged forgets what was decided by rules that no longer hold, and tells clients that their lists may be others.
func (d *Databases) RulesChanged() {
	for _, s := range d.All() {
		s.guard.Forget()
	}
	d.refresh(true, true)
}

// Stuck are the backends that can't be stopped, of all databases.
func (d *Databases) Stuck() (all []postgres.Stuck) {
	for _, s := range d.All() {
		all = append(all, s.config.DB.Stuck()...)
	}
	return all
}

// In is the context of a call in one of the databases. ok is false where the caller may do nothing there: for it there
// is no such database.
func (d *Databases) In(ctx context.Context, s *Served) (_ context.Context, ok bool) {
	if s.Name == "" {
		return ctx, true
	}
	return guard.InDatabase(ctx, s.Name, s.Main)
}

// each does something in each of the databases at the same time, but for those in which the caller may do nothing.
func (d *Databases) each(ctx context.Context, all []*Served, do func(ctx context.Context, i int, s *Served)) {
	var wait sync.WaitGroup
	for i, s := range all {
		if in, ok := d.In(ctx, s); ok {
			wait.Go(func() { do(in, i, s) })
		}
	}
	wait.Wait()
}

// visible are the databases that the caller may use, the default one first.
func (d *Databases) visible(ctx context.Context) []*Served {
	return slices.DeleteFunc(slices.Clone(d.All()), func(s *Served) bool {
		_, ok := d.In(ctx, s)
		return !ok
	})
}

// having are the databases in which the caller may call a tool, as far as that does not depend on what is in them.
func (d *Databases) having(ctx context.Context, tool string) []*Served {
	return slices.DeleteFunc(d.visible(ctx), func(s *Served) bool {
		ctx, _ := d.In(ctx, s)
		t, ok := s.tool(tool)
		return !ok || !mayCall(ctx, t.def)
	})
}

// Call does what tools/call does. The error is only ever an unknown tool.
func (d *Databases) Call(ctx context.Context, name string, args json.RawMessage) (*Answer, error) {
	if all := d.All(); len(all) == 1 && all[0].Name == "" {
		return all[0].Call(ctx, name, args)
	}
	switch visible := d.visible(ctx); {
	case len(visible) == 1:
		in, _ := d.In(ctx, visible[0])
		if answer, ok, err := visible[0].callHere(in, name, args); ok {
			return answer, err
		}
		return d.Call(ctx, name, args)
	case name == listDatabasesName:
		return d.callList(ctx, args)
	}
	having := d.having(ctx, name)
	if len(having) == 0 {
		return nil, d.noTool(ctx, name)
	}
	return d.callOneOf(ctx, having, name, args)
}

// callOneOf makes a call in the one of the databases that the arguments name, or else in the first.
func (d *Databases) callOneOf(ctx context.Context, having []*Served, name string, args json.RawMessage) (
	*Answer, error) {
	given, rest := takeDatabase(having[0].ownsArgument(name), args)
	if given == everyDatabase && name == schemaText {
		return d.mapAll(ctx, having, rest), nil
	}
	s, err := choose(having, given, name)
	if err != nil {
		return having[0].refuse(ctx, name, args, err), nil
	}
	in, _ := d.In(ctx, s)
	answer, ok, callErr := s.callHere(in, name, rest)
	switch {
	case !ok: // the databases have just changed
		return d.Call(ctx, name, args)
	case callErr != nil: // what is in the database forbids the tool: the audit has it
		return nil, errors.New(d.UnknownTool(ctx, name))
	}
	if given == "" && len(having) > 1 || answer.Err != nil {
		answer = answer.in(s, given == "")
	}
	if answer.Err != nil {
		d.lookElsewhere(ctx, s, name, rest, answer)
	}
	return answer, nil
}

// everyDatabase stands for all databases where the map is asked for.
const everyDatabase = "*"

// ownsArgument reports a tool whose file has a parameter of the name of the argument.
func (r *Registry) ownsArgument(tool string) bool {
	t, ok := r.tool(tool)
	return ok && slices.ContainsFunc(t.def.Params, func(p catalog.Param) bool { return p.Name == argDatabase })
}

// Of are the databases that a request works in, as far as the request says so: more than one where it asks all of them,
// and else the first that the caller may use. There is at least one.
func (d *Databases) Of(ctx context.Context, method, tool string, p Place) []*Served {
	all := d.All()
	if len(all) == 1 {
		return all
	}
	name, in := "", d.visible(ctx)
	switch mcp.MCPMethod(method) {
	case mcp.MethodToolsList:
		name = everyDatabase
	case mcp.MethodToolsCall:
		var given struct{ Database string }
		_ = json.Unmarshal(p.Arguments, &given) // what is wrong with them the call says
		if name = given.Database; tool == listDatabasesName {
			name = everyDatabase
		} else {
			in = d.having(ctx, tool)
		}
	case mcp.MethodResourcesRead:
		_, place, _ := strings.Cut(p.URI, "://")
		name, _, _ = strings.Cut(place, "/")
	case mcp.MethodResourcesList:
		name, _ = pageOf(p.Cursor)
	case mcp.MethodCompletionComplete:
		name = p.Context.Arguments[argDatabase]
	}
	for i, s := range in {
		if s.Name == name {
			return in[i : i+1]
		}
	}
	if len(in) == 0 {
		in = all
	}
	if name == everyDatabase {
		return in
	}
	return in[:1]
}

// Place is what the parameters of a request say of where it works.
type Place struct {
	URI       string          `json:"uri"`
	Cursor    string          `json:"cursor"`
	Arguments json.RawMessage `json:"arguments"`
	Context   struct {
		Arguments map[string]string `json:"arguments"`
	} `json:"context"`
}

// takeDatabase takes the name of a database out of the arguments. What is wrong with the others is found later.
func takeDatabase(own bool, args json.RawMessage) (name string, rest json.RawMessage) {
	var given map[string]json.RawMessage
	if own || json.Unmarshal(args, &given) != nil || given[argDatabase] == nil {
		return "", args
	}
	value := given[argDatabase]
	delete(given, argDatabase)
	if json.Unmarshal(value, &name) != nil {
		name = string(value)
	}
	rest, err := json.Marshal(given)
	if err != nil {
		return name, args
	}
	return name, rest
}

// choose finds the database of a call among those that the caller may call the tool in. Without a name it is the
// first.
func choose(having []*Served, name, tool string) (*Served, error) {
	if name == "" {
		return having[0], nil
	}
	var names []string
	for _, s := range having {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, argumentError(fmt.Sprintf("database %.60q is none that %s works in%s", name, tool,
		faults.Choose(name, names)))
}

// refuse answers a call that gets to no database.
func (r *Registry) refuse(ctx context.Context, tool string, args json.RawMessage, err error) *Answer {
	c := &call{Record: observe.NewRecord(ctx, toolsCall, tool)}
	c.Arguments = args
	e, _ := userMessage(err, "")
	c.Outcome = e.Code
	answer := ErrorAnswer(e)
	r.done(ctx, c.Record, answer)
	return answer
}

// in says in the answer which database it is of. An answer may be shared: its texts are copied.
func (a *Answer) in(s *Served, unnamed bool) *Answer {
	own := *a
	text := "Database: " + s.Name + "."
	if unnamed {
		text = "Database: " + s.Name + ", as the call names none."
	}
	own.Texts = append(slices.Clone(a.Texts), text)
	if own.Err != nil {
		e := *own.Err
		e.Database = s.Name
		own.Err = &e
	}
	return &own
}

// noTool is the error of a call of a tool that the caller does not have, which the audit has too.
func (d *Databases) noTool(ctx context.Context, name string) error {
	d.All()[0].config.Observer.Audit.UnknownTool(ctx, name)
	return errors.New(d.UnknownTool(ctx, name))
}

// UnknownTool says that there is no such tool for the caller, and which may have been meant.
func (d *Databases) UnknownTool(ctx context.Context, name string) string {
	return unknownTool(name, d.namesFor(ctx))
}

// namesFor are the names of the tools that the caller may call, sorted.
func (d *Databases) namesFor(ctx context.Context) (names []string) {
	for _, o := range d.offers(ctx) {
		names = append(names, o.name)
	}
	return names
}

// mapAll is describe_database of all databases at once: each has its share of the characters.
func (d *Databases) mapAll(ctx context.Context, having []*Served, args json.RawMessage) *Answer {
	var given map[string]any
	if json.Unmarshal(args, &given) != nil || given == nil {
		given = map[string]any{}
	}
	chars, ok := given["max_chars"].(float64)
	if given["max_chars"] == nil {
		chars, ok = mapChars, true
	}
	if ok { // else it is for each of them to refuse
		given["max_chars"] = max(int(chars)/len(having), leastMapChars)
	}
	share, err := json.Marshal(given)
	if err != nil {
		share = args
	}
	answers := make([]*Answer, len(having))
	d.each(ctx, having, func(ctx context.Context, i int, s *Served) {
		answer, ok, err := s.callHere(ctx, schemaText, share)
		if answers[i] = answer; err != nil || !ok {
			answers[i] = textAnswer("not offered here")
		}
	})
	all, failed, legend := &Answer{}, 0, "" // which says how to read the maps, once
	for i, s := range having {
		if answers[i].Err != nil {
			failed++
		}
		title := "# database " + s.Name
		if s.Description != "" {
			title += ": " + s.Description
		}
		text := strings.Join(answers[i].Texts, "\n")
		if before, _, ok := strings.Cut(text, "Database "); ok && legend == "" {
			legend = before
		} else {
			text = strings.TrimPrefix(text, legend)
		}
		all.Texts = append(all.Texts, title+"\n"+text)
	}
	if failed == len(having) {
		all.Err = answers[0].Err
	}
	return all
}

// The characters of the map of several databases: the default, and the least that one of them gets.
const (
	mapChars      = 16_000
	leastMapChars = 1000
)

// lookElsewhere adds to an error about a table that is not there in which databases of the caller there is one of that
// name.
func (d *Databases) lookElsewhere(ctx context.Context, tried *Served, tool string, args json.RawMessage,
	answer *Answer) {
	name := missingTable(tried, tool, args, answer.Err)
	if name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, elsewhereWait)
	defer cancel()
	visible := d.having(ctx, tool)
	there := make([]string, len(visible))
	d.each(ctx, visible, func(ctx context.Context, i int, s *Served) {
		if s != tried {
			there[i] = s.written(ctx, name)
		}
	})
	for i, s := range visible {
		if there[i] != "" {
			hint := fmt.Sprintf("The database %s has %s.", s.Name, there[i])
			answer.Err.Hint = strings.TrimSpace(answer.Err.Hint + " " + hint)
			answer.Texts = append(answer.Texts, hint)
			return
		}
	}
}

// elsewhereWait bounds the look at the other databases.
const elsewhereWait = time.Second

// missingRelation finds the name in PostgreSQL's message.
var missingRelation = regexp.MustCompile(`^relation "([^"]+)" does not exist`)

// missingTable is the name of the table that a call did not find, as it was given; empty for another error.
func missingTable(s *Served, tool string, args json.RawMessage, e *Error) string {
	switch e.Code {
	case codeNoTable:
		if m := missingRelation.FindStringSubmatch(e.Message); m != nil {
			return m[1]
		}
	case CodeNotFound:
		var given map[string]any
		t, ok := s.tool(tool)
		if ok && json.Unmarshal(args, &given) == nil {
			name, _ := given[nameParam(t.def, catalog.NamesTable)].(string)
			return name
		}
	}
	return ""
}

// written is a table of that name that the caller sees, as SQL writes it; empty where there is none.
func (r *Registry) written(ctx context.Context, table string) string {
	schema, name, ok := splitName(table)
	if !ok {
		return ""
	}
	id := identity(ctx)
	if id != nil {
		id.DatabaseRole = "" // names are looked up with the rights of the login
	}
	found, err := findNames(ctx, r.config.DB, id, nameArgs{kind: catalog.NamesTable, word: name, schema: schema},
		callerArgs(ctx))
	if err != nil {
		return ""
	}
	for _, w := range found.written {
		if place, last, _ := splitName(w); last == name && (schema == "" || schema == place) {
			return w
		}
	}
	return ""
}
