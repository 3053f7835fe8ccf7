package plan

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bounds of the tree: nodes that are written, and nodes below one parent before those that are like them are left out.
const (
	mostNodes = 60
	mostAlike = 3
)

// Tree writes the plan as a tree of one line for each node, with the conditions below it.
func (p *Plan) Tree() string {
	w := &treeWriter{plan: p}
	w.node(p.Root, 0)
	if w.left > 0 {
		fmt.Fprintf(&w.out, "... and %s that are not shown\n", count(float64(w.left), "node"))
	}
	switch {
	case p.Analyzed:
		fmt.Fprintf(&w.out, "planning %s, execution %s", milliseconds(p.Planning), milliseconds(p.Execution))
	default:
		fmt.Fprintf(&w.out, "cost %s, %s estimated, nothing counted", number(p.Root.Cost), count(p.Root.Rows, "row"))
	}
	if p.JIT != nil && p.JIT.Timing.Total > 0 {
		fmt.Fprintf(&w.out, ", JIT %s", milliseconds(p.JIT.Timing.Total))
	}
	for _, t := range p.Triggers {
		fmt.Fprintf(&w.out, ", trigger %s %s in %s", cmp.Or(t.Constraint, t.Name), milliseconds(t.Time), count(t.Calls,
			"call"))
	}
	return w.out.String() + "\n"
}

type treeWriter struct {
	plan          *Plan
	out           strings.Builder
	written, left int
}

func (w *treeWriter) node(n *Node, depth int) {
	if w.written >= mostNodes {
		w.left += len(n.append(nil))
		return
	}
	w.written++
	indent := strings.Repeat("  ", depth)
	w.out.WriteString(indent + n.title() + "  " + w.numbers(n) + "\n")
	for _, line := range n.details(w.plan.Analyzed) {
		w.out.WriteString(indent + "    " + line + "\n")
	}
	alike := map[string]int{}
	for _, c := range n.Children {
		if alike[c.Type]++; len(n.Children) > 2*mostAlike && alike[c.Type] > mostAlike {
			w.left += len(c.append(nil))
			continue
		}
		w.node(c, depth+1)
	}
}

// title is what the node does.
func (n *Node) title() string {
	title := n.Type
	switch {
	case n.Type == "Aggregate" && n.Strategy != "":
		title = strings.TrimSpace(map[string]string{"Hashed": "Hash", "Sorted": "Group", "Mixed": "Mixed"}[n.Strategy] +
			" Aggregate")
	case n.Type == "ModifyTable":
		title = n.Operation
	case n.Provider != "":
		title = n.Provider
	}
	if n.Join != "" && n.Join != "Inner" {
		title += " " + n.Join
	}
	if n.ParallelScan {
		title = "Parallel " + title
	}
	if n.Subplan != "" {
		title = n.Subplan + ": " + title
	}
	name := cmp.Or(n.Relation, n.CTE, n.Function)
	if name != "" {
		title += " on " + name
	}
	if n.Alias != "" && n.Alias != name {
		title += " " + n.Alias
	}
	if n.Index != "" {
		title += " using " + n.Index
	}
	if n.Direction == "Backward" {
		title += " backward"
	}
	return title
}

// numbers are the rows, estimated and actual, the time and the blocks.
func (w *treeWriter) numbers(n *Node) string {
	if !w.plan.Analyzed {
		return fmt.Sprintf("est %s, cost %s", rows(n.Rows), number(n.Cost))
	}
	if n.Loops == 0 {
		return fmt.Sprintf("never run (est %s)", rows(n.Rows))
	}
	text := fmt.Sprintf("%s (est %s)", rows(n.ActualRows), number(n.Rows))
	if factor := off(n.Rows, n.ActualRows); factor >= 10 && (n.ActualRows > n.Rows || !n.stopped()) {
		text += fmt.Sprintf(", off by %sx", number(factor))
	}
	if n.Loops > 1 {
		text += fmt.Sprintf(", %s loops", number(n.Loops))
	}
	if n.Time > 0 {
		text += ", " + milliseconds(n.Time*n.Loops/n.workers())
	}
	if n.Hit+n.Read > 0 {
		text += fmt.Sprintf(", %s blocks", number(n.Hit+n.Read))
		if n.Read > 0 {
			text += fmt.Sprintf(" (%s read)", number(n.Read))
		}
	}
	return text
}

// details are the conditions, and what a run told of memory, workers and rows that were read in vain.
func (n *Node) details(analyzed bool) []string {
	var all []string
	add := func(what, text string, removed float64) {
		if text == "" {
			return
		}
		line := what + " " + short(text)
		if removed > 0 {
			line += fmt.Sprintf(" removed %s", rows(removed*n.Loops))
		}
		all = append(all, line)
	}
	add("index", n.IndexCond, 0)
	if n.Lossy > 0 || n.RemovedRecheck > 0 {
		add("recheck", n.Recheck, n.RemovedRecheck)
	}
	add("hash", n.HashCond, 0)
	add("merge", n.MergeCond, 0)
	add("join filter", n.JoinFilter, n.RemovedJoin)
	add("filter", n.Filter, n.Removed)
	add("one-time filter", n.OneTime, 0)
	add("by", strings.Join(n.SortKey, ", "), 0)
	add("groups", strings.Join(n.GroupKey, ", "), 0)
	add("cached by", n.CacheKey, 0)
	add("remote", n.Remote, 0)
	if analyzed {
		all = append(all, n.spent()...)
	}
	if n.Planned != nil {
		all = append(all, n.processes())
	}
	if n.SubplansRemoved > 0 {
		all = append(all, count(n.SubplansRemoved, "partition")+" left out at the start")
	}
	if n.Distributed != nil {
		all = append(all, count(n.Distributed.Job.TaskCount, "task"))
	}
	return all
}

// processes are the workers of a parallel plan.
func (n *Node) processes() string {
	line := fmt.Sprintf("workers %s planned", number(*n.Planned))
	if n.Launched != nil {
		line += fmt.Sprintf(", %s launched", number(*n.Launched))
	}
	return line
}

// spent is the memory and disk that a node took.
func (n *Node) spent() []string {
	var all []string
	if n.SortMethod != "" {
		all = append(all, fmt.Sprintf("%s, %s %s", n.SortMethod, kilobytes(n.SortSpace), strings.ToLower(n.SortType)))
	}
	if n.Batches > 1 {
		all = append(all, fmt.Sprintf("spills: %s batches", number(n.Batches)))
	}
	if n.Disk > 0 {
		all = append(all, fmt.Sprintf("spills: %s on disk", kilobytes(n.Disk)))
	}
	if n.HeapFetches > 0 {
		all = append(all, count(n.HeapFetches, "heap fetch"))
	}
	if n.Lossy > 0 {
		all = append(all, fmt.Sprintf("%s lossy blocks of %s", number(n.Lossy), number(n.Lossy+n.Exact)))
	}
	return all
}

// off is the factor between an estimate and what was counted; below one row both count as one.
func off(estimated, counted float64) float64 {
	a, b := max(estimated, 1), max(counted, 1)
	return max(a/b, b/a)
}

// number writes whole numbers with commas, and small ones with a digit behind the point.
func number(v float64) string {
	if v != math.Trunc(v) && v < 10 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func rows(v float64) string { return count(v, "row") }

// count writes a number of things.
func count(v float64, thing string) string {
	switch {
	case v == 1:
	case strings.HasSuffix(thing, "h"):
		thing += "es"
	default:
		thing += "s"
	}
	return number(v) + " " + thing
}

func milliseconds(v float64) string {
	switch {
	case v >= 10_000:
		return number(v/1000) + " s"
	case v >= 10:
		return number(v) + " ms"
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + " ms"
}

func kilobytes(v float64) string {
	if v >= 10<<10 {
		return number(v/1024) + " MB"
	}
	return number(v) + " kB"
}
