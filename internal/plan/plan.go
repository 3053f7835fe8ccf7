// Package plan reads plans of PostgreSQL: as a short tree, as findings on what makes them slow, and as candidates for
// indexes. It works on the JSON of EXPLAIN and on what the catalogues say of the tables; it asks no database.
package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Plan is what EXPLAIN (FORMAT JSON) says of one statement.
type Plan struct {
	Root      *Node             `json:"Plan"`
	Planning  float64           `json:"Planning Time"` // ms
	Execution float64           `json:"Execution Time"`
	Settings  map[string]string `json:"Settings"`
	Triggers  []Trigger         `json:"Triggers"`
	JIT       *JIT              `json:"JIT"`
	// Analyzed says that the statement was run.
	Analyzed bool `json:"-"`
}

// Trigger is one that a write fired. Constraint is set for the check of a foreign key.
type Trigger struct {
	Name       string  `json:"Trigger Name"`
	Constraint string  `json:"Constraint Name"`
	Relation   string  `json:"Relation"`
	Time       float64 `json:"Time"`
	Calls      float64 `json:"Calls"`
}

// JIT is what compiling expressions took.
type JIT struct {
	Functions int `json:"Functions"`
	Timing    struct {
		Total float64 `json:"Total"`
	} `json:"Timing"`
}

// Node is one node of a plan. Numbers of rows and times are those of one loop, as EXPLAIN gives them.
type Node struct {
	Type         string `json:"Node Type"`
	Strategy     string `json:"Strategy"`
	Join         string `json:"Join Type"`
	Operation    string `json:"Operation"`
	Relationship string `json:"Parent Relationship"`
	Subplan      string `json:"Subplan Name"`
	ParallelScan bool   `json:"Parallel Aware"`
	Schema       string `json:"Schema"`
	Relation     string `json:"Relation Name"`
	Alias        string `json:"Alias"`
	Index        string `json:"Index Name"`
	Direction    string `json:"Scan Direction"`
	CTE          string `json:"CTE Name"`
	Function     string `json:"Function Name"`
	Provider     string `json:"Custom Plan Provider"`

	Cost  float64 `json:"Total Cost"`
	Rows  float64 `json:"Plan Rows"`
	Width float64 `json:"Plan Width"`

	Time       float64 `json:"Actual Total Time"` // ms
	ActualRows float64 `json:"Actual Rows"`
	Loops      float64 `json:"Actual Loops"`

	Filter     string   `json:"Filter"`
	IndexCond  string   `json:"Index Cond"`
	Recheck    string   `json:"Recheck Cond"`
	HashCond   string   `json:"Hash Cond"`
	MergeCond  string   `json:"Merge Cond"`
	JoinFilter string   `json:"Join Filter"`
	OneTime    string   `json:"One-Time Filter"`
	CacheKey   string   `json:"Cache Key"`
	SortKey    []string `json:"Sort Key"`
	GroupKey   []string `json:"Group Key"`
	Output     []string `json:"Output"`

	Removed        float64 `json:"Rows Removed by Filter"`
	RemovedJoin    float64 `json:"Rows Removed by Join Filter"`
	RemovedRecheck float64 `json:"Rows Removed by Index Recheck"`
	HeapFetches    float64 `json:"Heap Fetches"`
	Exact          float64 `json:"Exact Heap Blocks"`
	Lossy          float64 `json:"Lossy Heap Blocks"`

	SortMethod string  `json:"Sort Method"`
	SortSpace  float64 `json:"Sort Space Used"` // kB
	SortType   string  `json:"Sort Space Type"`
	Batches    float64 `json:"Hash Batches"`
	AggBatches float64 `json:"HashAgg Batches"`
	Disk       float64 `json:"Disk Usage"`
	Peak       float64 `json:"Peak Memory Usage"`

	Planned         *float64 `json:"Workers Planned"`
	Launched        *float64 `json:"Workers Launched"`
	SubplansRemoved float64  `json:"Subplans Removed"`

	Hit  float64 `json:"Shared Hit Blocks"`
	Read float64 `json:"Shared Read Blocks"`

	Remote      string       `json:"Remote SQL"`
	Distributed *distributed `json:"Distributed Query"`

	Children []*Node `json:"Plans"`

	parent *Node
}

// distributed is the part of a plan that Citus runs on its workers.
type distributed struct {
	Job struct {
		TaskCount float64 `json:"Task Count"`
		Tasks     []struct {
			Plans [][]Plan `json:"Remote Plan"`
		} `json:"Tasks"`
	} `json:"Job"`
}

// Parse reads the JSON of EXPLAIN.
func Parse(text []byte) (*Plan, error) {
	var all []*Plan
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	if len(all) == 0 || all[0] == nil || all[0].Root == nil {
		return nil, errors.New("reading a plan: it has no node")
	}
	p := all[0]
	p.Root.adopt(nil)
	p.Analyzed = p.Execution > 0 || p.Root.Loops > 0
	return p, nil
}

// adopt sets the parents, and takes the plans of Citus' workers for children.
func (n *Node) adopt(parent *Node) {
	n.parent = parent
	if n.Distributed != nil {
		for _, task := range n.Distributed.Job.Tasks {
			for _, remote := range task.Plans {
				for _, p := range remote {
					if p.Root != nil {
						n.Children = append(n.Children, p.Root)
					}
				}
			}
		}
	}
	for _, c := range n.Children {
		c.adopt(n)
	}
}

// Nodes are all nodes, a parent before its children.
func (p *Plan) Nodes() []*Node { return p.Root.append(nil) }

// Like reports whether the other plan goes the same way: by the same nodes, tables and indexes.
func (p *Plan) Like(other *Plan) bool {
	return slices.EqualFunc(p.Nodes(), other.Nodes(), func(a, b *Node) bool {
		return a.title() == b.title() && len(a.Children) == len(b.Children)
	})
}

func (n *Node) append(all []*Node) []*Node {
	all = append(all, n)
	for _, c := range n.Children {
		all = c.append(all)
	}
	return all
}

// Name is the qualified name of a relation; names are unique by it.
type Name struct{ Schema, Table string }

// Relations are the tables that the plan reads or writes, each once.
func (p *Plan) Relations() []Name {
	var all []Name
	seen := map[Name]bool{}
	for _, n := range p.Nodes() {
		name := Name{n.Schema, n.Relation}
		if n.Relation != "" && n.Schema != "" && !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return all
}

// child is that of a relationship, such as Outer or Inner; nil is none.
func (n *Node) child(relationship string) *Node {
	for _, c := range n.Children {
		if c.Relationship == relationship {
			return c
		}
	}
	return nil
}

// above is the nearest node over n of one of the types; nil is none.
func (n *Node) above(types ...string) *Node {
	for a := n.parent; a != nil; a = a.parent {
		for _, t := range types {
			if a.Type == t {
				return a
			}
		}
	}
	return nil
}

// loops is how often the node runs: counted, or else as the planner must expect.
func (n *Node) loops(analyzed bool) float64 {
	if analyzed {
		return n.Loops
	}
	runs := 1.0
	for c := n; c.parent != nil; c = c.parent {
		switch {
		case c.Relationship == "Inner" && c.parent.Type == "Nested Loop":
			if outer := c.parent.child("Outer"); outer != nil {
				runs *= max(outer.Rows, 1)
			}
		case c.Relationship == "SubPlan" && !c.hashed():
			runs *= max(c.parent.Rows, 1)
		case c.parent.Type == "Materialize" || c.parent.Type == "Hash" || c.parent.Type == "Sort" ||
			c.Relationship == "InitPlan":
			return 1
		}
	}
	return runs
}

// hashed reports a subquery that runs once: its parent looks into a table of its rows.
func (n *Node) hashed() bool {
	for _, text := range []string{n.parent.Filter, n.parent.JoinFilter, n.parent.OneTime} {
		if containsHashed(text, n.Subplan) {
			return true
		}
	}
	for _, text := range n.parent.Output {
		if containsHashed(text, n.Subplan) {
			return true
		}
	}
	return false
}

// workers is by how many processes a node is run.
func (n *Node) workers() float64 {
	if g := n.above("Gather", "Gather Merge"); g != nil && g.Launched != nil {
		return *g.Launched + 1
	}
	return 1
}

// share is which part of the whole the node takes with all below it, between 0 and 1.
func (p *Plan) share(n *Node) float64 {
	whole, part := p.Root.Cost, n.Cost*n.loops(false)
	if p.Analyzed {
		whole, part = max(p.Execution, p.Root.Time*p.Root.Loops), n.Time*n.Loops/n.workers()
	}
	if whole <= 0 {
		return 0
	}
	return min(max(part/whole, 0), 1)
}

// returned is how many rows come out of all loops.
func (n *Node) returned(analyzed bool) float64 {
	if analyzed {
		return n.ActualRows * n.Loops
	}
	return n.Rows * n.loops(false)
}
