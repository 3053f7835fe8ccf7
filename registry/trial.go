package registry

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/plan"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

//go:embed trial.sql
var trialSQL string

// trial is one set of hypothetical indexes, and the statements, by number, that are planned under it.
type trial struct {
	Indexes    []string `json:"indexes"`
	Statements []int    `json:"statements"`
}

// trials are what one call of the database plans, in one transaction of which nothing stays.
type trials struct {
	HypoPG     *string           `json:"hypopg"` // its schema; nil where there are no indexes
	Settings   map[string]string `json:"settings"`
	Statements []string          `json:"statements"` // each an EXPLAIN
	Trials     []trial           `json:"trials"`
	Whole      bool              `json:"whole"` // the plans are wanted, not their costs alone
	Limit      float64           `json:"ms"`    // no trial begins after it
}

// tried is what came of a trial. One that the time did not suffice for is missing.
type tried struct {
	Indexes []struct {
		Name  string  `json:"name"`
		Bytes float64 `json:"bytes"`
	} `json:"indexes"`
	Plans []json.RawMessage `json:"plans"`
}

// try plans the statements, whose permits are given.
func (e *explainTool) try(ctx context.Context, permits []*guard.Permit, t trials, limit time.Duration) ([]tried,
	error) {
	t.Limit = 600_000
	if limit > 0 {
		t.Limit = float64(limit.Milliseconds())
	}
	var rows firstColumn
	_, err := e.guard.RunAll(ctx, permits, func(permits []*guard.Permit) error {
		call := postgres.Call{Untrusted: true, SQL: "SELECT pg_catalog.set_config('mcp.trial', $1, true)",
			Args: [][]byte{[]byte(pgtext.JSON(t))}}
		permits[0].Apply(&call)
		call.Verify, call.ProvenClean, call.Together = allNames(permits), false, false
		call.Then = []postgres.Then{{SQL: trialSQL, Sink: &firstColumn{}},
			{SQL: "SELECT pg_catalog.current_setting('mcp.trial')", Sink: &rows}}
		_, err := e.db.Run(ctx, call, &firstColumn{})
		return permits[0].Redact(err)
	})
	if err != nil {
		return nil, err
	}
	var all []tried
	return all, json.Unmarshal([]byte(strings.Join(rows.values, "")), &all)
}

// allNames checks the names of all the statements.
func allNames(permits []*guard.Permit) *postgres.Verify {
	all := &postgres.Verify{}
	for _, p := range permits {
		if p.Verify != nil {
			all.Names, all.OIDs = append(all.Names, p.Verify.Names...), append(all.OIDs, p.Verify.OIDs...)
		}
	}
	if all.Names == nil {
		return nil
	}
	return all
}

// hypopg is the schema of the extension; without it, how to get it.
func (e *explainTool) hypopg(ctx context.Context, version int) (schema *string, how string, err error) {
	schema, err = e.extensionSchema(ctx, "hypopg")
	if schema == nil {
		how = fmt.Sprintf("Hypothetical indexes need the extension hypopg, which this database has not. A superuser can "+
			"add it: "+
			"install its package (Debian: postgresql-%d-hypopg; managed services have it), then CREATE EXTENSION hypopg",
			version/10000)
	}
	return schema, how, err
}

// extensionSchema is where an extension is; nil is nowhere.
func (e *explainTool) extensionSchema(ctx context.Context, name string) (*string, error) {
	const sql = "SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = " +
		"e.extnamespace " +
		"WHERE e.extname = $1"
	var rows firstColumn
	_, err := e.db.Run(ctx, postgres.Call{SQL: sql, Prepare: true, Args: [][]byte{[]byte(name)}}, &rows)
	if err != nil || len(rows.values) == 0 {
		return nil, err
	}
	return &rows.values[0], nil
}

// maySet are the settings that a plan can be tried with.
var maySet = regexp.MustCompile(`^(enable_[a-z_]+|(seq|random)_page_cost|cpu_[a-z_]+_cost|parallel_[a-z]+_cost|` +
	`jit(_[a-z_]+)?|work_mem|hash_mem_multiplier|effective_cache_size|max_parallel_workers_per_gather|` +
	`min_parallel_[a-z_]+|(join|from)_collapse_limit|geqo|plan_cache_mode|cursor_tuple_fraction|constraint_exclusion)$`)

var number = regexp.MustCompile(`^[0-9.]{1,12}(kB|MB)?$`)

// settingsOf reads name=value. A work_mem is given in kB or MB, up to 1 GB.
func settingsOf(list []any) (map[string]string, error) {
	all := map[string]string{}
	for i, item := range list {
		text, _ := item.(string)
		name, value, _ := strings.Cut(strings.ReplaceAll(text, " ", ""), "=")
		name, value = strings.ToLower(name), strings.Trim(value, "'")
		kilobytes, _ := strconv.Atoi(strings.TrimSuffix(strings.Replace(value, "MB", "000", 1), "kB"))
		switch {
		case !maySet.MatchString(name):
			return nil, argumentError(fmt.Sprintf("settings[%d]: %.60q: want a setting of the planner and its value, such as "+
				"enable_seqscan=off, work_mem=64MB or random_page_cost=1.1", i, text))
		case !number.MatchString(value) && !slices.Contains([]string{"on", "off", "auto", "partition",
			"force_generic_plan", "force_custom_plan"}, value),
			name == "work_mem" && kilobytes > 1_000_000:
			return nil, argumentError(fmt.Sprintf("settings[%d]: %s: %.60q: want a number, kB or MB up to 1000MB, on or off",
				i, name, value))
		}
		all[name] = value
	}
	return all, nil
}

// hypothetical checks indexes that a caller proposes: the guard decides on the table, its expressions and its
// condition as if they were in a query.
func (e *explainTool) hypothetical(ctx context.Context, list []any) (sql []string, permits []*guard.Permit, err error) {
	for i, item := range list {
		text, _ := item.(string)
		fail := func(problem string) error {
			return argumentError(fmt.Sprintf("indexes[%d]: %s", i, problem))
		}
		if _, err := sqlscan.CheckLimits(text, e.maxSQL); err != nil {
			return nil, nil, fail(err.Error())
		}
		index, ok := plan.ParseIndex(text)
		if !ok {
			return nil, nil, fail("want CREATE INDEX ON table [USING method] (columns) [INCLUDE (columns)] [WHERE condition]")
		}
		permit, err := e.guard.Authorize(ctx, "EXPLAIN "+index.Query())
		if err != nil {
			told, ok := userMessage(err, "")
			if !ok {
				return nil, nil, err
			}
			told.Message = fmt.Sprintf("indexes[%d]: %s", i, told.Message)
			return nil, nil, told
		}
		sql, permits = append(sql, index.SQL()), append(permits, permit)
	}
	return sql, permits, nil
}

// literals writes the values of a statement into it, so that it can be planned within a function.
func literals(sql string, texts [][]byte) string {
	var out strings.Builder
	for _, t := range sqlscan.Lex(sql) {
		word := sql[t.Start:t.End]
		if n, err := strconv.Atoi(strings.TrimPrefix(word, "$")); t.Kind == sqlscan.Positional && err == nil && n >= 1 &&
			n <= len(texts) {
			word = "NULL"
			if texts[n-1] != nil {
				word = pgtext.Literal(string(texts[n-1]))
			}
		}
		out.WriteString(word)
	}
	return out.String()
}

// retry plans the statement once more with other settings or with hypothetical indexes.
func (e *explainTool) retry(ctx context.Context, x *explained, out *explanation) error {
	if len(x.settings)+len(x.indexes) == 0 {
		return nil
	}
	t := trials{Settings: x.settings, Whole: true, Trials: []trial{{Indexes: append([]string{}, x.indexes...),
		Statements: []int{0}}}}
	options, what := x.options, "these settings"
	if len(x.indexes) > 0 || !x.permit.Selects {
		options = strings.TrimSuffix(options, analyzeOptions)
	}
	if len(x.indexes) > 0 {
		what = "the hypothetical indexes"
		var how string
		var err error
		if t.HypoPG, how, err = e.hypopg(ctx, x.version); err != nil {
			return err
		}
		if t.HypoPG == nil {
			out.Notes = append(out.Notes, how+".")
			x.indexes = nil
			return e.retry(ctx, x, out)
		}
	}
	t.Statements = []string{"EXPLAIN (" + options + ") " + literals(x.sql, x.texts)}
	all, err := e.try(ctx, append([]*guard.Permit{x.permit}, x.more...), t, 0)
	if err != nil || len(all) != 1 || len(all[0].Plans) != 1 {
		return cmp.Or(err, errors.New("a trial has no plan"))
	}
	shown, err := readPlan(what, all[0].Plans[0])
	if err != nil {
		return err
	}
	for k, i := range all[0].Indexes {
		used := strings.Contains(string(all[0].Plans[0]), pgtext.JSON(i.Name))
		shown.Indexes = append(shown.Indexes, triedIndex{x.indexes[k], i.Bytes, used})
	}
	out.Plans = append(out.Plans, *shown)
	return nil
}
