package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that makes a plan slow, and what a person can do.
type Finding struct {
	Kind string `json:"kind"`
	// Weight is the part of the time, or of the estimated cost, that it is about, in percent.
	Weight  int      `json:"weight"`
	Node    string   `json:"node"`
	Message string   `json:"message"`
	SQL     []string `json:"sql,omitempty"`
	Ask     string   `json:"ask,omitempty"`

	factor float64 // by how much it comes before others of its weight; at last, the order
}

// reading is a plan with what is known of its tables.
type reading struct {
	*Plan
	facts *Facts
}

// checks are what is looked for, each at every node. Factor makes those that are the cause of others come before them.
var checks = []struct {
	kind   string
	factor float64
	look   func(*reading, *Node) *Finding
}{
	{"statistics", 1.2, (*reading).unknownTable},
	{"estimate", 1.1, (*reading).estimate},
	{"loops", 1.15, (*reading).loopsOver},
	{"product", 1.15, (*reading).product},
	{"partitions", 1.2, (*reading).allPartitions},
	{"function", 1.05, (*reading).wrapped},
	{"order", 1.02, (*reading).order},
	{"offset", 1.03, (*reading).offset},
	{"filter", 1, (*reading).filter},
	{"join", 0.6, (*reading).joined},
	{"spill", 1, (*reading).spill},
	{"cte", 1.06, (*reading).materialized},
	{"visibility", 0.95, (*reading).visibility},
	{"bloat", 0.9, (*reading).bloat},
	{"lossy", 0.9, (*reading).lossy},
	{"foreign", 0.9, (*reading).foreign},
	{"workers", 0.7, (*reading).workersMissing},
}

// leastWeight is the share below which nothing is said: to mend it would change little.
const leastWeight = 0.05

// Findings are what makes the plan slow, the heaviest first.
func (p *Plan) Findings(f *Facts) []Finding {
	r := &reading{p, f}
	all := r.ofPlan()
	for _, n := range p.Nodes() {
		if p.Analyzed && n.Loops == 0 {
			continue
		}
		for _, c := range checks {
			found := c.look(r, n)
			if found == nil {
				continue
			}
			share := p.share(n)
			if found.Weight > 0 {
				share = float64(found.Weight) / 100
			}
			if share < leastWeight {
				continue
			}
			found.Kind, found.Node, found.Weight = c.kind, n.title(), int(100*share+0.5)
			found.factor = share * c.factor * cmp.Or(found.factor, 1)
			all = append(all, *found)
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(b.factor, a.factor) })
	return distinct(all)
}

// distinct leaves out what says the same of a like node, such as another partition.
func distinct(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		same := func(o Finding) bool {
			return o.Kind == f.Kind && (len(f.SQL) > 0 && slices.Equal(o.SQL, f.SQL) || o.Message == f.Message)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, f)
		}
	}
	return out
}

// ofPlan are the findings on the plan as a whole.
func (r *reading) ofPlan() (all []Finding) {
	add := func(kind string, part, whole, factor float64, f Finding) {
		if whole > 0 && part/whole >= leastWeight {
			f.Kind, f.Weight, f.factor = kind, int(100*min(part/whole, 1)+0.5), factor*min(part/whole, 1)
			all = append(all, f)
		}
	}
	if jit := r.JIT; jit != nil && jit.Timing.Total >= 0.25*r.Execution {
		add("jit", jit.Timing.Total, r.Execution, 1.2, Finding{Node: "JIT", Message: fmt.Sprintf(
			"Compiling %s took %s of %s.", count(float64(jit.Functions), "function"), milliseconds(jit.Timing.Total),
			milliseconds(r.Execution)), SQL: []string{"SET jit = off"},
			Ask: "Are most statements of this role short? Then ALTER ROLE ... SET jit = off."})
	}
	for _, t := range r.Triggers {
		if t.Time >= 0.3*r.Execution && t.Calls > 1 {
			add("triggers", t.Time, r.Execution, 1.2, r.trigger(t))
		}
	}
	for name, value := range r.Settings {
		if len(name) > 7 && name[:7] == "enable_" && value == "off" {
			add("settings", 1, 1, 1.3, Finding{Node: name, SQL: []string{"RESET " + name},
				Message: name + " is off: the planner may not use what would be faster."})
		}
	}
	if r.Planning > max(100, 2*r.Execution) && r.Analyzed {
		add("planning", r.Planning, r.Planning+r.Execution, 0.5, Finding{Node: "planning", Message: fmt.Sprintf(
			"Planning took %s, execution %s.", milliseconds(r.Planning), milliseconds(r.Execution)),
			Ask: "Is the statement prepared and used again? Are there many partitions or joined tables?"})
	}
	return all
}

// trigger is about one that takes long; mostly the check of a foreign key that has no index.
func (r *reading) trigger(t Trigger) Finding {
	f := Finding{Node: "trigger " + cmp.Or(t.Constraint, t.Name), Ask: "What does the trigger do for each row?"}
	f.Message = fmt.Sprintf("The trigger took %s in %s.", milliseconds(t.Time), count(t.Calls, "call"))
	if r.facts == nil {
		return f
	}
	for _, table := range r.facts.Tables {
		for _, key := range table.Referrers {
			if key.Constraint == t.Constraint && !key.Indexed {
				f.Message = fmt.Sprintf("Each row that goes is looked for in %s, which has no index for the foreign key %s.",
					key.Table, t.Constraint)
				f.SQL, f.Ask = []string{fmt.Sprintf("CREATE INDEX CONCURRENTLY ON %s (%s)", key.Table, key.Columns)}, ""
			}
		}
	}
	return f
}

// scans are the nodes that read a table of this database.
var scans = []string{"Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Sample Scan", "Tid Scan",
	"Tid Range Scan"}

func (n *Node) scan() bool { return slices.Contains(scans, n.Type) && n.Relation != "" }

// unknownTable is about a table that ANALYZE has never seen.
func (r *reading) unknownTable(n *Node) *Finding {
	t := r.facts.of(n)
	if !n.scan() || len(t.Columns) == 0 || t.Analyzed || t.Pages < 8 && t.Live < 1000 || t.Kind != "r" {
		return nil
	}
	if slices.ContainsFunc(t.Columns, func(c *Column) bool { return c.Known }) {
		return nil
	}
	return &Finding{Message: t.Written + " was never analyzed: every estimate about it is a guess.",
		SQL: []string{"ANALYZE " + t.Written}}
}

// estimate is about the lowest node whose number of rows is off by ten or more.
func (r *reading) estimate(n *Node) *Finding {
	if !r.Analyzed || !r.misjudged(n) || slices.ContainsFunc(n.Children,
		func(c *Node) bool { return r.misjudgedBelow(c) }) {
		return nil
	}
	f := &Finding{Message: fmt.Sprintf("%s estimated, %s counted: off by %sx.", rows(n.Rows), number(n.ActualRows),
		number(off(n.Rows, n.ActualRows)))}
	// what was chosen by the estimate
	hurt := n.above("Nested Loop", "Hash Join", "Merge Join", "Sort", "Aggregate", "Gather")
	if hurt == nil || hurt.Type == "Aggregate" && hurt.Strategy == "Plain" {
		f.factor, hurt = 0.6, n
	}
	f.Weight = int(100 * r.share(hurt))
	switch {
	case n.scan():
		r.scanEstimate(n, f)
	case n.Type == "Function Scan":
		f.SQL = []string{fmt.Sprintf("ALTER FUNCTION %s(...) ROWS %s", n.Function, number(n.ActualRows))}
		f.Ask = "How many rows does " + n.Function + " give as a rule?"
	case n.Type == "Aggregate" && len(n.GroupKey) > 0:
		r.groupEstimate(n, f)
	case n.Join != "":
		f.Ask = "Do few values of the joined columns have most rows, or do the filters of the two tables go together? " +
			"A higher target helps the first: ALTER TABLE ... ALTER COLUMN ... SET STATISTICS 1000, then ANALYZE."
	default:
		f.Ask = "What in the rows below does the planner not know?"
	}
	return f
}

func (r *reading) misjudgedBelow(n *Node) bool {
	return n.Loops > 0 && r.misjudged(n) || slices.ContainsFunc(n.Children, r.misjudgedBelow)
}

// misjudged reports an estimate that can matter. A node that is stopped before its end counts too few rows.
func (r *reading) misjudged(n *Node) bool {
	factor := off(n.Rows, n.ActualRows)
	switch {
	case factor < 10 || n.Loops == 0 || n.Type == "Memoize" || n.Type == "Materialize" || n.Type == "Hash" ||
		n.Type == "BitmapAnd" || n.Type == "BitmapOr" || n.Type == "Bitmap Index Scan" || n.Type == "Limit":
		return false
	case n.ActualRows > n.Rows:
		return n.ActualRows*n.Loops >= 100
	}
	return n.Rows >= 10_000 && n.Loops == 1 && !n.stopped()
}

// stopped reports a node that is not read to its end.
func (n *Node) stopped() bool {
	for c := n; c.parent != nil; c = c.parent {
		switch p := c.parent; {
		case p.Type == "Sort" || p.Type == "Hash" || p.Type == "Aggregate" && p.Strategy != "Sorted":
			return false
		case p.Type == "Limit" || p.Type == "Merge Join" || p.Join == "Semi" || p.Join == "Anti":
			return true
		}
	}
	return false
}

// scanEstimate says why the estimate of a scan is off.
func (r *reading) scanEstimate(n *Node, f *Finding) {
	t := r.facts.of(n)
	var names, keys []string
	for _, c := range append(conditions(n.Filter, n.Alias, t), conditions(n.IndexCond, n.Alias, t)...) {
		switch {
		case c.wrapped && c.column != "" && !strings.Contains(c.left, "with time zone"): // which depends on a setting
			f.Message += " The planner knows nothing of " + short(c.left) + "."
			f.SQL = []string{fmt.Sprintf("CREATE STATISTICS ON (%s) FROM %s", bare(c.left, n.Alias), t.whole()), "ANALYZE " +
				t.whole()}
			if r.facts != nil && r.facts.Version < 160000 {
				f.SQL[0] = fmt.Sprintf("CREATE STATISTICS %s_expression ON (%s) FROM %s", t.Name, bare(c.left, n.Alias), t.whole())
			}
			return
		case c.column != "" && !slices.Contains(names, c.column):
			names, keys = append(names, c.column), append(keys, t.key(c.column))
		}
	}
	known := max(t.Rows, 1)
	switch {
	case t.Modified > 0.1*known && t.Modified >= 1000:
		f.Message += fmt.Sprintf(" %s of %s changed since ANALYZE.", rows(t.Modified), t.Written)
		f.SQL = []string{"ANALYZE " + t.Written}
	case len(names) > 1 && !t.hasStatistics(names):
		f.Message += " The columns go together, and the planner multiplies what it knows of each."
		f.SQL = []string{fmt.Sprintf("CREATE STATISTICS %s_%s (dependencies, mcv) ON %s FROM %s", t.Name, names[0],
			join(keys), t.whole()), "ANALYZE " + t.whole()}
	case len(names) > 0:
		f.SQL = []string{fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 1000", t.whole(), keys[0]),
			"ANALYZE " + t.whole()}
	default:
		f.SQL = []string{"ANALYZE " + t.whole()}
	}
}

// groupEstimate is about a number of groups.
func (r *reading) groupEstimate(n *Node, f *Finding) {
	for _, scan := range n.append(nil) {
		if t := r.facts.of(scan); scan.scan() {
			var keys []string
			for _, g := range n.GroupKey {
				if name, wrapped := columnOf(unwrap(g), scan.Alias, t); name != "" && !wrapped {
					keys = append(keys, t.key(name))
				}
			}
			if len(keys) == len(n.GroupKey) && len(keys) > 1 {
				f.SQL = []string{fmt.Sprintf("CREATE STATISTICS %s_groups (ndistinct) ON %s FROM %s", t.Name, join(keys),
					t.whole()),
					"ANALYZE " + t.whole()}
				return
			}
		}
	}
	f.Ask = "Is the group an expression? CREATE STATISTICS on it tells the planner how many values it has."
}
