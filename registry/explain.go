package registry

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/plan"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// The tools of the toolset tuning.
const (
	tuningToolset    = "tuning"
	explainQueryName = "explain_query"
)

//go:embed planfacts.sql
var planFactsSQL string

// explainTool shows and reads the plan of a caller's statement.
type explainTool struct {
	*queryTool
	timeout time.Duration
}

func explainDefinition(readOnly bool) *catalog.Tool {
	most, ten := maxParameters, 10
	texts := catalog.Type{Scalar: catalog.String, Array: true}
	t := &catalog.Tool{
		Name: explainQueryName, Title: "Explain a query", Toolset: tuningToolset, Access: catalog.Write,
		RollsBack: true,
		Description: "Says why a statement is slow and what would help: its plan as a short tree, and findings, the " +
			"heaviest " +
			"first, with SQL for a person to run. Nothing runs without analyze.",
		Params: []catalog.Param{
			{Name: "sql", Type: catalog.Type{Scalar: catalog.String}, Required: true,
				Description: "One statement, without EXPLAIN; $1, $2, ... stand for parameters."},
			{Name: "parameters", Type: catalog.Type{Scalar: catalog.Any, Array: true}, MaxItems: &most,
				Description: "Values of $1, $2, ... Omit for a plan that is for any value."},
			{Name: "analyze", Type: catalog.Type{Scalar: catalog.Boolean}, Default: false,
				Description: "Runs the statement, READ ONLY and within the time limit, to count rows and time. A write is " +
					"rolled back."},
			{Name: "settings", Type: texts, MaxItems: &ten,
				Description: "Settings of the planner for a second plan, such as enable_seqscan=off or work_mem=64MB."},
			{Name: "indexes", Type: texts, MaxItems: &ten,
				Description: "CREATE INDEX ... for a second plan with hypothetical indexes, by hypopg. Nothing is created."},
		},
	}
	if readOnly {
		t.Access, t.Hints = catalog.Read, catalog.Hints{Idempotent: true}
		t.Params[2].Description = strings.TrimSuffix(t.Params[2].Description, " A write is rolled back.")
	}
	return t
}

// explanation is the structured content of an answer of explain_query.
type explanation struct {
	Findings []plan.Finding `json:"findings"`
	Notes    []string       `json:"notes,omitempty"`
	Plans    []shownPlan    `json:"plans"`
	Notice   string         `json:"notice,omitempty"` // that there is no database
}

// shownPlan is one plan, with what it is a plan for. EXPLAIN's JSON is left out where it is too large.
type shownPlan struct {
	For     string           `json:"for"`
	Cost    float64          `json:"cost"`
	Indexes []triedIndex     `json:"indexes,omitempty"`
	Plan    []map[string]any `json:"plan,omitempty"`

	read *plan.Plan
	text []byte
}

// triedIndex is a hypothetical index.
type triedIndex struct {
	SQL   string  `json:"sql"`
	Bytes float64 `json:"bytes"`
	Used  bool    `json:"used"`
}

// explained is one statement to explain.
type explained struct {
	sql     string
	values  []any
	analyze bool
	options string
	permit  *guard.Permit
	version int

	// usual is how many placeholders get values that are common in their columns; rare are others for a second plan.
	usual int
	rare  []any
	// texts are the values as PostgreSQL reads them, once the statement was planned with them.
	texts [][]byte
	// What a second plan is made with, and the permits of the indexes.
	settings map[string]string
	indexes  []string
	more     []*guard.Permit
}

func (e *explainTool) call(ctx context.Context, c *call) (*Answer, error) {
	x := &explained{}
	x.sql, _ = c.args["sql"].(string)
	x.values, _ = c.args["parameters"].([]any)
	x.analyze, _ = c.args["analyze"].(bool)
	c.SQL = x.sql
	var err error
	if x.version, err = serverVersion(ctx, e.db); err == nil {
		err = e.check(x)
	}
	if err == nil && x.usual > 0 {
		x.values, x.rare, err = e.usualValues(ctx, x.sql, x.usual)
	}
	if err == nil {
		err = e.permitted(ctx, c, x)
	}
	if err == nil {
		err = e.second(ctx, c, x)
	}
	out := &explanation{Findings: []plan.Finding{}, Plans: []shownPlan{}}
	if err == nil {
		err = e.explain(ctx, x, out)
	}
	if err == nil {
		err = e.retry(ctx, x, out)
	}
	if errors.Is(err, postgres.ErrNoDatabase) {
		out.Notice = noticeNone
		return &Answer{Texts: []string{noticeNone}, JSON: pgtext.JSON(out), Notice: true}, nil
	}
	if err != nil {
		return nil, err
	}
	facts, err := e.facts(ctx, x.permit, out.Plans)
	if err != nil {
		return nil, err
	}
	out.Findings = append(out.Findings, out.Plans[0].read.Findings(facts)...)
	return e.answer(out), nil
}

func serverVersion(ctx context.Context, db Database) (int, error) {
	f, err := Features(ctx, db)
	return f.ServerVersion, err
}

// check refuses what can't be explained, and says which options EXPLAIN needs.
func (e *explainTool) check(x *explained) error {
	used, err := sqlscan.CheckLimits(x.sql, e.maxSQL)
	switch {
	case err != nil:
		return argumentError("sql: " + err.Error())
	case len(sqlscan.Split(x.sql)) > 1:
		return argumentError("sql: holds more than one statement: want one per call")
	}
	if st, err := sqlscan.Analyze(x.sql); err == nil && st.Explain {
		return argumentError("sql: want the statement without EXPLAIN; analyze: true is for EXPLAIN ANALYZE")
	}
	if first := strings.ToUpper(firstWord(x.sql)); !slices.Contains(explainable, first) {
		return argumentError(fmt.Sprintf("sql: begins with %.30q: want SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, "+
			"TABLE, WITH or CREATE TABLE AS", first))
	}
	x.options = "FORMAT JSON, VERBOSE, SETTINGS"
	generic := len(x.values) == 0 && len(used.Placeholders) > 0
	switch {
	case !generic:
		err = checkQuery(x.sql, x.values, e.maxSQL)
	case x.analyze:
		err = argumentError("parameters: analyze runs the statement: want a value for each of its placeholders")
	case x.version < 160000:
		x.usual = slices.Max(used.Placeholders)
		err = checkPlaceholders(used.Placeholders, x.usual)
	default: // values must be sent, and mean nothing
		x.options += genericOption
		x.values = make([]any, slices.Max(used.Placeholders))
		err = checkPlaceholders(used.Placeholders, len(x.values))
	}
	if x.analyze {
		x.options += analyzeOptions
	}
	return err
}

// explainable are the words that a statement begins with of which there is a plan.
var explainable = strings.Fields("SELECT INSERT UPDATE DELETE MERGE VALUES TABLE WITH CREATE REFRESH (")

// firstWord is the first that means something.
func firstWord(sql string) string {
	for _, t := range sqlscan.Significant(sql) {
		return sql[t.Start:t.End]
	}
	return ""
}

// Options of EXPLAIN.
const (
	analyzeOptions = ", ANALYZE, BUFFERS"
	genericOption  = ", GENERIC_PLAN"
)

// prefix is what is written before the statement.
func (x *explained) prefix() string { return "EXPLAIN (" + x.options + ") " }

// generic reports that the plan is for any value of the parameters.
func (x *explained) generic() bool { return strings.HasSuffix(x.options, genericOption) }

// permitted has the guard decide on the EXPLAIN as on one in query.
func (e *explainTool) permitted(ctx context.Context, c *call, x *explained) (err error) {
	if x.permit, err = e.guard.Authorize(ctx, x.prefix()+x.sql); err != nil {
		return e.withSuggestion(ctx, nil, x.sql, behind(err, len(x.prefix())))
	}
	c.names(x.permit)
	return nil
}

// second reads what a second plan is to be made with.
func (e *explainTool) second(ctx context.Context, c *call, x *explained) (err error) {
	settings, _ := c.args["settings"].([]any)
	indexes, _ := c.args["indexes"].([]any)
	if len(settings)+len(indexes) == 0 {
		return nil
	}
	if _, err := sqlscan.Analyze(x.sql); err != nil { // it is planned within a function, as text
		return argumentError("settings and indexes: want a statement of the syntax of PostgreSQL " + sqlscan.GrammarVersion)
	}
	if x.settings, err = settingsOf(settings); err == nil {
		x.indexes, x.more, err = e.hypothetical(ctx, indexes)
	}
	return err
}

// behind moves the place of an error to where it is in the text after the first n characters.
func behind(err error, n int) error {
	var pg *postgres.Error
	var refusal *guard.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Position > 0:
		moved := *refusal
		moved.Position = max(moved.Position-n, 0)
		return &moved
	case errors.As(err, &pg) && pg.Position > 0:
		moved := *pg
		moved.Position = max(moved.Position-n, 0)
		return &moved
	}
	return err
}

// explain gets the plan. A statement that does not end in time has one without what was counted.
func (e *explainTool) explain(ctx context.Context, x *explained, out *explanation) error {
	text, err := e.run(ctx, x)
	if pg := (*postgres.Error)(nil); x.analyze && errors.As(err, &pg) && pg.Code == "57014" && ctx.Err() == nil {
		out.Notes = append(out.Notes, fmt.Sprintf("The statement did not end within %s: this is its plan without counted "+
			"rows and times. "+
			"Try it with a condition that leaves fewer rows.", e.runLimit(ctx)))
		x.analyze = false
		x.options = strings.TrimSuffix(x.options, analyzeOptions)
		if x.permit, err = e.guard.Authorize(ctx, x.prefix()+x.sql); err == nil {
			text, err = e.run(ctx, x)
		}
	}
	if err != nil {
		return err
	}
	kind := "the statement"
	switch {
	case x.generic():
		kind = "any value of the parameters"
		out.Notes = append(out.Notes, "The plan is the generic one, for any value of the parameters: with values it may "+
			"be another.")
	case x.usual > 0:
		kind = "common values of the parameters"
		out.Notes = append(out.Notes, "The plan is for values that are common in the columns; before PostgreSQL 16 there "+
			"is none for any value.")
	case len(x.values) > 0:
		kind = "these parameters"
	}
	shown, err := readPlan(kind, text)
	if err == nil {
		out.Plans = append(out.Plans, *shown)
	}
	if err == nil && x.usual > 0 {
		err = e.explainRare(ctx, *x, out)
	}
	if x.analyze && !x.permit.Selects {
		out.Notes = append(out.Notes, "The write was run and rolled back. Numbers that it took of sequences are gone.")
	}
	return err
}

// explainRare adds the plan for rare values, where it is another.
func (e *explainTool) explainRare(ctx context.Context, x explained, out *explanation) error {
	x.values = x.rare
	text, err := e.run(ctx, &x)
	if err != nil {
		return err
	}
	shown, err := readPlan("rare values of the parameters", text)
	if err == nil && !shown.read.Like(out.Plans[0].read) {
		out.Plans = append(out.Plans, *shown)
	}
	return err
}

func readPlan(kind string, text []byte) (*shownPlan, error) {
	p, err := plan.Parse(text)
	if err != nil {
		return nil, err
	}
	return &shownPlan{For: kind, Cost: p.Root.Cost, text: text, read: p}, nil
}

// runLimit is the time limit of a statement that is run: a part of the call's, so that there is time for a plan
// without it.
func (e *explainTool) runLimit(ctx context.Context) time.Duration {
	return roleTimeout(ctx, e.timeout) * 3 / 4
}

// run runs the EXPLAIN: READ ONLY, or for a write that is analyzed, rolled back.
func (e *explainTool) run(ctx context.Context, x *explained) ([]byte, error) {
	call := postgres.Call{SQL: x.prefix() + x.sql, Untrusted: true}
	var rows firstColumn
	used, err := e.guard.Run(ctx, x.permit, func(p *guard.Permit) error {
		p.Apply(&call)
		call.Write = x.analyze && !p.Selects && !e.readOnly
		call.Rollback = call.Write
		if limit := e.runLimit(ctx); x.analyze && limit > 0 {
			call.Timeout = limit
		}
		values := &parameters{values: x.values, bounded: p.Statement != nil}
		_, err := values.run(ctx, e.db, call, &rows)
		if err == nil && !x.generic() {
			x.texts, err = values.texts()
		}
		return err
	})
	if err != nil {
		if pg := (*postgres.Error)(nil); x.analyze && errors.As(err, &pg) && pg.Code == "57014" {
			return nil, err
		}
		return nil, e.withSuggestion(ctx, used, x.sql, behind(used.Redact(err), len(x.prefix())))
	}
	return []byte(strings.Join(rows.values, "\n")), nil
}

// facts are what the catalogues say of the tables of the plans, as the caller may see it.
func (e *explainTool) facts(ctx context.Context, p *guard.Permit, plans []shownPlan) (*plan.Facts, error) {
	var schemas, names []string
	for _, shown := range plans {
		for _, r := range shown.read.Relations() {
			schemas, names = append(schemas, r.Schema), append(names, r.Table)
		}
	}
	var rows firstColumn
	_, err := e.db.Run(ctx, postgres.Call{SQL: planFactsSQL, Prepare: true, Identity: p.Identity,
		Args: [][]byte{pgtext.Array(schemas), pgtext.Array(names)}}, &rows)
	if err != nil {
		return nil, fmt.Errorf("asking for the tables of a plan: %w", err)
	}
	f := &plan.Facts{}
	return f, json.Unmarshal([]byte(strings.Join(rows.values, "")), f)
}

// answer writes the tree and the findings as text, and everything as structured content.
func (e *explainTool) answer(out *explanation) *Answer {
	var b strings.Builder
	for _, note := range out.Notes {
		b.WriteString(note + "\n\n")
	}
	b.WriteString(out.Plans[0].read.Tree() + "\n")
	writeFindings(&b, out.Findings)
	for _, other := range out.Plans[1:] {
		fmt.Fprintf(&b, "\nWith %s the cost is %.0f instead of %.0f:\n", other.For, other.Cost, out.Plans[0].Cost)
		for _, i := range other.Indexes {
			used := "not used"
			if i.Used {
				used = "used"
			}
			fmt.Fprintf(&b, "%s: about %.0f kB, %s\n", i.SQL, i.Bytes/1024, used)
		}
		b.WriteString(other.read.Tree())
	}
	for i := range out.Plans {
		_ = json.Unmarshal(out.Plans[i].text, &out.Plans[i].Plan)
	}
	body := pgtext.JSON(out)
	if len(body)+pgtext.JSONSize(b.String()) > e.limits.bytes-e.limits.frame() {
		for i := range out.Plans {
			out.Plans[i].Plan = nil
		}
		body = pgtext.JSON(out)
	}
	return &Answer{Texts: []string{pgtext.Shorten(b.String(), e.limits.reply)}, JSON: body}
}

func writeFindings(b *strings.Builder, all []plan.Finding) {
	if len(all) == 0 {
		b.WriteString("No findings.\n")
		return
	}
	b.WriteString("Findings, the heaviest first:\n")
	for i, f := range all {
		fmt.Fprintf(b, "%d. %s, %d%%, %s: %s\n", i+1, f.Kind, f.Weight, f.Node, f.Message)
		for _, sql := range f.SQL {
			fmt.Fprintf(b, "   %s\n", sql+";")
		}
		if f.Ask != "" {
			fmt.Fprintf(b, "   Ask: %s\n", f.Ask)
		}
	}
}
