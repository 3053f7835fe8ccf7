// Package tooltest runs the examples and tests in tool files on a database. Nothing that they write stays.
package tooltest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	orderedmap "github.com/pb33f/ordered-map/v2"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/registry"
)

// The outcomes of a test.
const (
	Passed  = "passed"
	Failed  = "failed"
	Skipped = "skipped"
)

// Result is what one test came to.
type Result struct {
	Toolset string  `json:"-"`
	Tool    string  `json:"tool"`
	Test    string  `json:"test"`
	Path    string  `json:"path"`
	Line    int     `json:"line"`
	Outcome string  `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Run runs the examples and tests of tools, one after the other. conf has the limits and the databases of roles, and
// db is the server's own. With rules, a test that names its caller has the role that they give it; rules may be nil.
// The error is that of a database that does not answer.
func Run(ctx context.Context, tools []*catalog.Tool, notes catalog.Notes, db registry.Describer, conf registry.Config,
	rules *guard.Rules) ([]Result, error) {
	features, err := registry.Features(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("the database does not answer: %w", err)
	}
	conf.Logger = slog.New(slog.DiscardHandler)
	own := map[string]registry.Database{}
	for name, db := range conf.RoleDBs {
		own[name] = &rollbackDB{Database: db}
	}
	conf.RoleDBs = own
	var all []Result
	for _, t := range tools {
		r := runner{tool: t, notes: notes, rules: rules, skip: t.Requires.Unmet(features)}
		if conf.ReadOnly && t.Access == catalog.Write {
			r.skip = "writes, and the server is read-only"
		}
		if t.Database != "" && conf.Name != "" && t.Database != conf.Name {
			r.skip = "is for another database: want --database " + t.Database
		}
		if r.skip == "" {
			if err := r.prepare(ctx, db, conf); err != nil {
				return nil, err
			}
		}
		all = append(all, r.all(ctx)...)
	}
	return all, nil
}

// runner runs the tests of one tool.
type runner struct {
	tool     *catalog.Tool
	notes    catalog.Notes
	rules    *guard.Rules
	skip     string // why no test is run
	broken   string // why every test fails
	db       *rollbackDB
	registry *registry.Registry
	columns  []string
}

func (r *runner) prepare(ctx context.Context, db registry.Describer, conf registry.Config) error {
	d, err := registry.Describe(ctx, db, r.tool, conf.ReadOnly)
	if err != nil {
		return err
	}
	if len(d.Faults) > 0 {
		r.broken = d.Faults.Error()
		return nil
	}
	if r.columns, err = columns(d.Output, r.tool.Result); err != nil {
		return err
	}
	r.db = &rollbackDB{Database: db, tool: r.tool}
	conf.DB = r.db
	r.registry, err = registry.Build(conf, registry.Set{Tools: []*catalog.Tool{r.tool}, Notes: r.notes,
		Outputs: map[string]json.RawMessage{r.tool.Name: d.Output}})
	return err
}

// object is the JSON Schema of an object; its properties keep their order.
type object struct {
	Properties *orderedmap.OrderedMap[string, json.RawMessage] `json:"properties"`
}

// columns are the names of the columns as an answer has them, in their order.
func columns(output json.RawMessage, result catalog.Result) (names []string, err error) {
	var s object
	if result == catalog.Text || result == catalog.Query {
		return nil, nil
	}
	if err = json.Unmarshal(output, &s); err == nil && result == catalog.Rows {
		var list struct{ Items object }
		err = json.Unmarshal(s.Properties.Value("items"), &list)
		s = list.Items
	}
	if err != nil {
		return nil, fmt.Errorf("reading an output schema: %w", err)
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		names = append(names, p.Key)
	}
	return names, nil
}

// all runs the examples, and then the tests.
func (r *runner) all(ctx context.Context) (all []Result) {
	line, _ := r.tool.KeyPosition("examples")
	for i, e := range r.tool.Examples {
		name := cmp.Or(e.Description, fmt.Sprintf("example %d", i+1))
		all = append(all, r.one(name, line, func() string { return r.example(ctx, e) }))
	}
	for i, test := range r.tool.Tests {
		name := cmp.Or(test.Name, fmt.Sprintf("test %d", i+1))
		all = append(all, r.one(name, test.Line, func() string { return r.test(ctx, test) }))
	}
	return all
}

// one makes the result of run, which returns why it fails.
func (r *runner) one(name string, line int, run func() string) Result {
	t := r.tool
	res := Result{Toolset: t.Toolset, Tool: t.Name, Test: name, Path: t.Path, Line: line, Outcome: Passed}
	start := time.Now()
	switch {
	case r.skip != "":
		res.Outcome, res.Reason = Skipped, r.skip
	case r.broken != "":
		res.Outcome, res.Reason = Failed, r.broken
	default:
		if res.Reason = run(); res.Reason != "" {
			res.Outcome = Failed
		}
	}
	res.Seconds = time.Since(start).Seconds()
	return res
}

// example wants an answer; not_found is one too.
func (r *runner) example(ctx context.Context, e catalog.Example) string {
	r.db.as = nil
	if a := r.call(ctx, e.Args); a.code != "" && a.code != registry.CodeNotFound {
		return "answers the error " + string(a.body)
	}
	return ""
}

func (r *runner) test(ctx context.Context, test catalog.Test) string {
	if r.db.as = test.As; test.As != nil && r.rules != nil {
		var err error
		if ctx, err = withCaller(ctx, r.rules, test.As); err != nil {
			return err.Error()
		}
		r.db.as = nil
	}
	return r.call(ctx, test.Args).differs(test.Expect)
}

func (r *runner) call(ctx context.Context, args json.RawMessage) *answer {
	res, err := r.registry.Call(ctx, r.tool.Name, args)
	if err != nil { // the caller may not call the tool
		res = registry.ErrorAnswer(&registry.Error{Code: registry.CodeUnknownTool, Message: err.Error()})
	}
	a := &answer{body: res.Body(), text: strings.Join(res.Texts, "\n"), result: shape(r.tool.Result), columns: r.columns}
	if res.Err != nil {
		a.code = res.Err.Code
	}
	return a
}

// shape is that of the answer: SQL that was written gives rows.
func shape(r catalog.Result) catalog.Result {
	if r == catalog.Query {
		return catalog.Rows
	}
	return r
}
