package registry

import (
	"context"
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

const (
	adviseIndexesName = "advise_indexes"
	mostTried         = 60
	// leastGain is the part of all cost that an index must save.
	leastGain = 0.02
)

// adviseTool looks for the indexes that help a workload most, by hypothetical ones.
type adviseTool struct{ *explainTool }

func adviseDefinition() *catalog.Tool {
	most := 50
	integer := catalog.Type{Scalar: catalog.Integer}
	return &catalog.Tool{
		Name: adviseIndexesName, Title: "Advise indexes", Toolset: tuningToolset, Access: catalog.Read,
		Hints: catalog.Hints{Idempotent: true}, Result: catalog.Object,
		Description: "Finds the few indexes that would help statements most, by hypothetical ones (extension hypopg): " +
			"what each " +
			"saves, its size, which indexes it replaces, what it costs writes. Nothing is created.",
		Params: []catalog.Param{
			{Name: "statements", Type: catalog.Type{Scalar: catalog.String, Array: true}, MaxItems: &most,
				Description: "SQL; $1, $2, ... stand for any value. Omit for the statements that took most time in " +
					"pg_stat_statements."},
			{Name: "top", Type: integer, Default: json.Number("20"), Minimum: "1", Maximum: "50",
				Description: "How many of pg_stat_statements."},
			{Name: "max_indexes", Type: integer, Default: json.Number("5"), Minimum: "1", Maximum: "10"},
			{Name: "max_mb", Type: integer, Minimum: "1", Description: "What all indexes together may take on disk, about."},
			{Name: "seconds", Type: integer, Default: json.Number("10"), Minimum: "1", Maximum: "60",
				Description: "Time for the search; never more than the limit of a call leaves."},
		},
	}
}

// advice is the answer of advise_indexes.
type advice struct {
	// Saved is the part of the cost of all statements that all indexes save, in percent.
	Saved   int            `json:"saved_percent"`
	Indexes []advisedIndex `json:"indexes"`
	// Statements are those that were looked at, Skipped those that were not.
	Statements []advisedStatement `json:"statements"`
	Skipped    []skipped          `json:"skipped,omitempty"`
	Planned    int                `json:"planned"` // plans that were made in the search
	Duplicates []string           `json:"duplicates,omitempty"`
	Notes      []string           `json:"notes,omitempty"`
	Notice     string             `json:"notice,omitempty"` // that there is no database
}

type advisedIndex struct {
	SQL      string   `json:"sql"`
	Bytes    float64  `json:"bytes"`
	Saved    int      `json:"saved_percent"` // on top of those before it
	Helps    []int    `json:"helps"`         // numbers of statements
	Replaces []string `json:"replaces,omitempty"`
	Writes   string   `json:"writes"`
}

type advisedStatement struct {
	Number int     `json:"number"`
	SQL    string  `json:"sql"`
	Calls  float64 `json:"calls,omitempty"`
	Time   float64 `json:"total_ms,omitempty"`
	Before float64 `json:"cost_before"`
	After  float64 `json:"cost_after"`

	x      *explained
	plan   *plan.Plan
	weight float64
}

type skipped struct {
	SQL    string `json:"sql"`
	Reason string `json:"reason"`
}

func (a *adviseTool) call(ctx context.Context, c *call) (*Answer, error) {
	s := &search{adviseTool: a, ctx: ctx, call: c, out: &advice{Indexes: []advisedIndex{},
		Statements: []advisedStatement{}}}
	s.begin()
	err := s.prepare()
	if errors.Is(err, postgres.ErrNoDatabase) {
		s.out.Notice = noticeNone
		return &Answer{Texts: []string{noticeNone}, JSON: pgtext.JSON(s.out), Notice: true}, nil
	}
	if err == nil && len(s.out.Statements) > 0 {
		err = s.choose()
	}
	if err != nil {
		return nil, err
	}
	return &Answer{Texts: []string{pgtext.Shorten(s.out.text(), a.limits.reply)}, JSON: pgtext.JSON(s.out)}, nil
}

// search is one call of advise_indexes.
type search struct {
	*adviseTool
	ctx        context.Context
	call       *call
	out        *advice
	version    int
	hypo       *string
	facts      *plan.Facts
	candidates []plan.Candidate
	permits    []*guard.Permit
	until      time.Time
	most       int
	bytes      float64 // zero is no limit
}

func (s *search) begin() {
	seconds := s.number("seconds")
	budget := time.Duration(seconds) * time.Second
	if limit := s.runLimit(s.ctx); limit > 0 {
		budget = min(budget, limit)
	}
	s.until, s.most, s.bytes = time.Now().Add(budget), int(s.number("max_indexes")), s.number("max_mb")*(1<<20)
}

func (s *search) number(name string) float64 {
	n, _ := s.call.args[name].(json.Number)
	f, _ := n.Float64()
	return f
}

// prepare reads the statements, their plans, and what is known of their tables.
func (s *search) prepare() (err error) {
	if s.version, err = serverVersion(s.ctx, s.db); err != nil {
		return err
	}
	var how string
	if s.hypo, how, err = s.hypopg(s.ctx, s.version); err != nil {
		return err
	}
	if s.hypo == nil {
		return &Error{Code: codeUnavailable, Message: how}
	}
	statements, err := s.workload()
	if err != nil {
		return err
	}
	for i := range statements {
		st := statements[i]
		if reason, err := s.read(&st); err != nil {
			return err
		} else if reason != "" {
			s.out.Skipped = append(s.out.Skipped, skipped{pgtext.Shorten(st.SQL, 200), reason})
			continue
		}
		st.Number = len(s.out.Statements) + 1
		s.out.Statements = append(s.out.Statements, st)
		s.permits = append(s.permits, st.x.permit)
	}
	if len(s.permits) == 0 {
		s.out.Notes = append(s.out.Notes, "There is no statement to advise on.")
		return nil
	}
	return s.gather()
}

// gather finds the candidates of all plans.
func (s *search) gather() (err error) {
	var plans []shownPlan
	for _, st := range s.out.Statements {
		plans = append(plans, shownPlan{read: st.plan})
	}
	if s.facts, err = s.explainTool.facts(s.ctx, s.permits[0], plans); err != nil {
		return err
	}
	for _, st := range s.out.Statements {
		for _, c := range st.plan.Candidates(s.facts) {
			s.candidates = plan.Add(s.candidates, c)
		}
	}
	s.candidates = slices.DeleteFunc(s.candidates, func(c plan.Candidate) bool {
		if c.Method != "" {
			s.out.Notes = append(s.out.Notes, "hypopg can't try "+c.SQL()+": explain_query says which statements want it.")
		}
		return c.Method != ""
	})
	if more := len(s.candidates) - mostTried; more > 0 {
		s.candidates = s.candidates[:mostTried]
		s.out.Notes = append(s.out.Notes, fmt.Sprintf("%s were not tried.", plural(int64(more), "candidate")))
	}
	for _, t := range s.facts.Tables {
		s.out.Duplicates = append(s.out.Duplicates, t.Duplicates()...)
	}
	return nil
}

// workload are the statements of the call, or those of pg_stat_statements.
func (s *search) workload() (all []advisedStatement, err error) {
	if list, _ := s.call.args["statements"].([]any); len(list) > 0 {
		for _, item := range list {
			text, _ := item.(string)
			all = append(all, advisedStatement{SQL: text})
		}
		return all, nil
	}
	if _, on := roleOf(s.ctx); on {
		return nil, argumentError("statements: want the statements: a caller with a role is not told those of others")
	}
	schema, err := s.extensionSchema(s.ctx, "pg_stat_statements")
	if err != nil {
		return nil, err
	}
	if schema == nil {
		return nil, argumentError("statements: want some: this database has not the extension pg_stat_statements, which " +
			"counts them")
	}
	sql := "SELECT pg_catalog.json_build_object('sql', s.query, 'calls', pg_catalog.sum(s.calls), 'total_ms', " +
		"pg_catalog.sum(s.total_exec_time))::text FROM " + pgtext.Identifier(*schema, "pg_stat_statements") + ` AS s
		WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
		  AND s.query ~* '^\s*(select|with|insert|update|delete|merge)\y' AND s.query !~* '\ypg_catalog\.'
		GROUP BY s.query ORDER BY pg_catalog.sum(s.total_exec_time) DESC LIMIT $1::int`
	var rows firstColumn
	_, err = s.db.Run(s.ctx, postgres.Call{SQL: sql, Args: [][]byte{fmt.Appendf(nil, "%.0f", s.number("top"))}}, &rows)
	for _, row := range rows.values {
		var st advisedStatement
		err = errors.Join(err, json.Unmarshal([]byte(row), &st))
		all = append(all, st)
	}
	return all, err
}

// read plans one statement. A reason says why it is not looked at.
func (s *search) read(st *advisedStatement) (reason string, err error) {
	if time.Now().After(s.until) {
		return "the time was over", nil
	}
	st.x = &explained{sql: st.SQL, version: s.version}
	if _, err := sqlscan.Analyze(st.SQL); err != nil {
		return err.Error(), nil
	}
	var out explanation
	if err = s.check(st.x); err == nil && st.x.usual > 0 {
		st.x.values, st.x.rare, err = s.usualValues(s.ctx, st.SQL, st.x.usual)
	}
	if err == nil {
		err = s.permitted(s.ctx, s.call, st.x)
	}
	if err == nil {
		err = s.explain(s.ctx, st.x, &out)
	}
	if told, ok := userMessage(err, ""); ok && s.ctx.Err() == nil && told.Code != codeUnavailable {
		return told.Message, nil
	}
	if err != nil {
		return "", err
	}
	st.plan, st.Before, st.After = out.Plans[0].read, out.Plans[0].Cost, out.Plans[0].Cost
	st.weight = st.Before
	if st.Time > 0 {
		st.weight = st.Time
	}
	return "", nil
}

// choose adds the candidate that saves most, as long as one saves enough, and takes those away that others have made
// superfluous.
func (s *search) choose() error {
	whole := 0.0
	for _, st := range s.out.Statements {
		whole += st.weight
	}
	var chosen []*choice
	rest := s.candidates
	for len(chosen) < s.most && len(rest) > 0 {
		best, useful, err := s.best(chosen, rest, whole)
		if err != nil {
			return err
		}
		if best == nil {
			break
		}
		chosen = append(chosen, best)
		for i := range s.out.Statements {
			s.out.Statements[i].After = best.costs[i]
		}
		rest = slices.DeleteFunc(useful, func(c plan.Candidate) bool { return c.SQL() == best.SQL() })
	}
	if time.Now().After(s.until) {
		s.out.Notes = append(s.out.Notes, "The search ended at its limit of time: raise seconds, or name fewer statements.")
	}
	chosen, err := s.needed(chosen, whole)
	if err != nil {
		return err
	}
	s.describe(chosen, whole)
	return nil
}

// choice is a candidate with the costs of all statements under it and those chosen before it.
type choice struct {
	plan.Candidate
	bytes float64
	costs []float64
}

// gain is how much of the weight of the statements a set of costs saves.
func (s *search) gain(from, to []float64) (sum float64) {
	for i, st := range s.out.Statements {
		if st.Before > 0 {
			sum += st.weight * (from[i] - to[i]) / st.Before
		}
	}
	return sum
}

func (s *search) costs() []float64 {
	var all []float64
	for _, st := range s.out.Statements {
		all = append(all, st.After)
	}
	return all
}

// best tries each candidate beside those chosen. useful are the candidates that saved anything.
func (s *search) best(chosen []*choice, rest []plan.Candidate, whole float64) (best *choice, useful []plan.Candidate,
	err error) {
	var before []string
	used := 0.0
	for _, c := range chosen {
		before, used = append(before, c.Plain()...), used+c.bytes
	}
	var wanted []trial
	for _, c := range rest {
		wanted = append(wanted, trial{append(slices.Clone(before), c.Plain()...), s.reading(c)})
	}
	all, err := s.plans(wanted)
	if err != nil {
		return nil, nil, err
	}
	now, most := s.costs(), leastGain*whole
	for i, t := range all {
		c := &choice{Candidate: rest[i], costs: costsAfter(now, wanted[i].Statements, t)}
		for _, made := range t.Indexes[len(before):] {
			c.bytes += made.Bytes
		}
		gain := s.gain(now, c.costs)
		if gain > leastGain*whole/2 {
			useful = append(useful, rest[i])
		}
		if s.bytes > 0 && used+c.bytes > s.bytes {
			continue
		}
		if gain > most*1.01 || best != nil && gain > most*0.99 && c.bytes < best.bytes {
			best, most = c, max(gain, most)
		}
	}
	return best, useful, nil
}

// costsAfter are the costs of all statements, of which a trial planned some.
func costsAfter(now []float64, planned []int, t tried) []float64 {
	costs := slices.Clone(now)
	for k, number := range planned {
		cost := now[number]
		if json.Unmarshal(t.Plans[k], &cost) == nil {
			costs[number] = min(cost, now[number])
		}
	}
	return costs
}

// reading are the statements whose plans read the table of a candidate.
func (s *search) reading(c plan.Candidate) (numbers []int) {
	for i, st := range s.out.Statements {
		if slices.ContainsFunc(st.plan.Relations(), func(n plan.Name) bool {
			return slices.ContainsFunc(c.Scanned, func(t *plan.Table) bool { return t.Schema == n.Schema && t.Name == n.Table })
		}) {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// plans asks the database for the costs of trials, as many as there is time for.
func (s *search) plans(wanted []trial) ([]tried, error) {
	left := time.Until(s.until)
	if left <= 0 || len(wanted) == 0 {
		return nil, nil
	}
	t := trials{HypoPG: s.hypo, Settings: map[string]string{}, Trials: wanted}
	for _, st := range s.out.Statements {
		t.Statements = append(t.Statements, "EXPLAIN ("+st.x.options+") "+literals(st.SQL, st.x.texts))
	}
	all, err := s.try(s.ctx, s.permits, t, left)
	for _, one := range all {
		s.out.Planned += len(one.Plans)
	}
	return all, err
}

// needed leaves out what the indexes chosen later have made superfluous.
func (s *search) needed(chosen []*choice, whole float64) ([]*choice, error) {
	for i := 0; i < len(chosen)-1; {
		var others []string
		for k, c := range chosen {
			if k != i {
				others = append(others, c.Plain()...)
			}
		}
		number := s.reading(chosen[i].Candidate)
		all, err := s.plans([]trial{{others, number}})
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			break
		}
		without := slices.Clone(s.costs())
		for k, n := range number {
			_ = json.Unmarshal(all[0].Plans[k], &without[n])
		}
		if s.gain(without, s.costs()) < leastGain*whole/2 {
			chosen = slices.Delete(chosen, i, i+1)
			continue
		}
		i++
	}
	return chosen, nil
}

// describe writes the answer.
func (s *search) describe(chosen []*choice, whole float64) {
	before := make([]float64, len(s.out.Statements))
	for i, st := range s.out.Statements {
		before[i] = st.Before
	}
	percent := func(part float64) int { return int(100*part/max(whole, 1e-9) + 0.5) }
	s.out.Saved = percent(s.gain(before, s.costs()))
	for _, c := range chosen {
		item := advisedIndex{SQL: c.SQL(), Bytes: c.bytes, Saved: percent(s.gain(before, c.costs)), Replaces: c.Replaced(),
			Writes: writesOf(c.Table)}
		for i := range before {
			if c.costs[i] < 0.9*before[i] {
				item.Helps = append(item.Helps, i+1)
			}
		}
		before = c.costs
		s.out.Indexes = append(s.out.Indexes, item)
	}
	s.out.Notes = append(s.out.Notes, "What is saved is of the planner's cost, not of time: explain_query with "+
		"indexes shows each plan.")
}

// writesOf says how often an index on the table would be written.
func writesOf(t *plan.Table) string {
	if t.Inserts+t.Updates == 0 {
		return "no write to the table was counted"
	}
	if t.Days < 1.0/24 {
		return fmt.Sprintf("%.0f rows inserted and %.0f updated since counting began", t.Inserts, t.Updates)
	}
	return fmt.Sprintf("about %.0f rows inserted and %.0f updated a day each write it too", t.Inserts/t.Days,
		t.Updates/t.Days)
}

// text is the advice for a model.
func (a *advice) text() string {
	var b strings.Builder
	switch {
	case len(a.Statements) == 0:
	case len(a.Indexes) == 0:
		fmt.Fprintf(&b, "No index would save %.0f%% or more of the cost of %s.\n", leastGain*100,
			plural(int64(len(a.Statements)), "statement"))
	default:
		fmt.Fprintf(&b, "What would save %d%% of the cost of %s:\n", a.Saved, plural(int64(len(a.Statements)), "statement"))
	}
	for i, x := range a.Indexes {
		fmt.Fprintf(&b, "%d. %s;\n   saves %d%%, about %.0f kB, helps statements %s; %s\n", i+1, x.SQL, x.Saved, x.Bytes/1024,
			strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Helps), " ", ", "), "[]"), x.Writes)
		for _, name := range x.Replaces {
			fmt.Fprintf(&b, "   then: DROP INDEX CONCURRENTLY %s;\n", name)
		}
	}
	b.WriteString("\n")
	for _, st := range a.Statements {
		fmt.Fprintf(&b, "%d. cost %.0f -> %.0f: %s\n", st.Number, st.Before, st.After,
			oneLine(st.SQL))
	}
	for _, k := range a.Skipped {
		fmt.Fprintf(&b, "Not looked at: %s: %s\n", oneLine(k.SQL), k.Reason)
	}
	for _, d := range a.Duplicates {
		b.WriteString("Duplicate: " + d + "\n")
	}
	for _, n := range a.Notes {
		b.WriteString(n + "\n")
	}
	return b.String()
}

// oneLine is the beginning of a statement for a list.
func oneLine(sql string) string { return pgtext.Shorten(strings.Join(strings.Fields(sql), " "), 100) }
