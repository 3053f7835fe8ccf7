package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// spill is about sorts and hashes that are larger than their memory.
func (r *reading) spill(n *Node) *Finding {
	disk := 0.0
	switch {
	case n.SortType == "Disk":
		disk = n.SortSpace
	case n.Batches > 1:
		disk = n.Peak * (n.Batches - 1)
	case n.AggBatches > 1 || n.Disk > 0:
		disk = n.Disk
	default:
		return nil
	}
	f := &Finding{Message: fmt.Sprintf("It does not fit work_mem (%s): about %s went to disk.", r.setting("work_mem"),
		kilobytes(disk))}
	need := max(math.Pow(2, math.Ceil(math.Log2(max(disk, 1)*2.5/1024))), 4)
	if n.Type == "Hash" {
		f.Weight = int(100 * r.share(n.parent))
	}
	f.SQL = []string{fmt.Sprintf("SET LOCAL work_mem = '%.0fMB'", min(need, 1024))}
	f.Ask = "Are all these rows and columns needed? " + fmt.Sprintf("One row has %s bytes.", number(n.Width))
	if n.Type == "Sort" && len(n.Children) == 1 && n.Children[0].scan() {
		scan := n.Children[0]
		if index, ok := forOrder(n.SortKey, scan.Alias, r.facts.of(scan)); ok {
			f.Ask += " An index in this order (" + join(index.Keys) + ") makes the sort unnecessary where few rows or " +
				"columns are read."
		}
	}
	return f
}

// setting is that of the plan, or else of the database.
func (r *reading) setting(name string) string {
	if v := r.Settings[name]; v != "" {
		return v
	}
	if r.facts != nil && r.facts.Settings[name] != "" {
		return r.facts.Settings[name]
	}
	return "the setting"
}

// materialized is about a common table expression that is computed in full, of which few rows are used.
func (r *reading) materialized(n *Node) *Finding {
	if n.Type != "CTE Scan" || n.Filter == "" || !r.Analyzed || n.Removed*n.Loops < manyRows ||
		n.Removed < mostPart*(n.Removed+n.ActualRows) {
		return nil
	}
	f := &Finding{Message: fmt.Sprintf("%s is computed in full, and %s of it are thrown away by %s.", n.CTE,
		rows(n.Removed), short(n.Filter)),
		Ask: "Is it used once, without MATERIALIZED? Write WITH " + n.CTE + " AS NOT MATERIALIZED, or put the condition " +
			"into it."}
	for _, c := range r.Nodes() {
		if c.Subplan == "CTE "+n.CTE {
			f.Weight = int(100 * r.share(c))
		}
	}
	f.Weight = max(f.Weight, int(100*r.share(n)))
	return f
}

// visibility is about an index-only scan that has to look at the table.
func (r *reading) visibility(n *Node) *Finding {
	fetches := n.HeapFetches
	if n.Type != "Index Only Scan" || fetches < 1000 || fetches < 0.3*(n.ActualRows+n.Removed)*n.Loops {
		return nil
	}
	t := r.facts.of(n)
	return &Finding{Message: fmt.Sprintf("%s of %s: the pages are not marked as visible to all, so the index alone "+
		"does not answer.",
		count(fetches, "heap fetch"), rows(n.ActualRows*n.Loops)), SQL: []string{"VACUUM " + t.Written}}
}

// bloat is about a table that is read with what is no longer in it.
func (r *reading) bloat(n *Node) *Finding {
	if n.Type != "Seq Scan" && n.Type != "Bitmap Heap Scan" {
		return nil
	}
	t := r.facts.of(n)
	if t.Dead >= 1000 && t.Dead >= 0.5*t.Live {
		return &Finding{Message: fmt.Sprintf("%s has %s beside %s live ones, which are read as well.", t.Written,
			count(t.Dead, "dead row"), number(t.Live)), SQL: []string{"VACUUM (ANALYZE) " + t.Written},
			Ask: "What keeps autovacuum from it: a long transaction, a replication slot, its settings?"}
	}
	need := t.Live * (t.Width + 28) / 8192
	if n.Type != "Seq Scan" || t.Width == 0 || t.Pages < 100 || t.Pages < 5*max(need, 1) {
		return nil
	}
	return &Finding{Message: fmt.Sprintf("%s has %s pages for %s, which need about %s: the rest is empty and is read "+
		"as well.", t.Written,
		number(t.Pages), rows(t.Live), number(max(need, 1))), SQL: []string{"VACUUM (FULL, ANALYZE) " + t.Written},
		Ask: "VACUUM FULL locks the table while it runs. Is there a time for it, or is pg_repack installed?"}
}

// lossy is about a bitmap that does not fit its memory.
func (r *reading) lossy(n *Node) *Finding {
	if n.Lossy < 100 || n.Lossy < n.Exact {
		return nil
	}
	return &Finding{Message: fmt.Sprintf("The bitmap does not fit work_mem (%s): every row of %s pages is checked "+
		"again.", r.setting("work_mem"),
		number(n.Lossy)), SQL: []string{"SET LOCAL work_mem = '64MB'"}}
}

// foreign is about conditions that a foreign server does not get.
func (r *reading) foreign(n *Node) *Finding {
	if n.Type != "Foreign Scan" || n.Filter == "" || r.Analyzed && n.Removed < manyRows {
		return nil
	}
	return &Finding{Message: "The foreign server sends rows that are thrown away here: it does not get " +
		short(n.Filter) + ".",
		Ask: "Does the condition use a function that is not built in? The option extensions of the server says which are " +
			"the same there."}
}

// workersMissing is about workers that could not be had.
func (r *reading) workersMissing(n *Node) *Finding {
	if n.Planned == nil || n.Launched == nil || *n.Launched >= *n.Planned {
		return nil
	}
	return &Finding{Message: fmt.Sprintf("%s of %s planned workers could be had.", number(*n.Launched),
		number(*n.Planned)),
		Ask: "Are max_parallel_workers (" + r.setting("max_parallel_workers") + ") and max_worker_processes enough for " +
			"what runs at the same time?"}
}

// allPartitions is about partitions that are all read although the statement wants few rows.
func (r *reading) allPartitions(n *Node) *Finding {
	if n.Type != "Append" && n.Type != "Merge Append" || len(n.Children) < 4 || n.SubplansRemoved > 0 {
		return nil
	}
	empty := 0
	var first *Table
	filter := ""
	for _, c := range n.Children {
		t := r.facts.of(c)
		if !c.scan() || t.Parent == "" || c.Filter == "" && c.IndexCond == "" {
			return nil
		}
		if first == nil {
			first, filter = t, c.Filter+" "+c.IndexCond
		}
		if r.Analyzed && c.ActualRows == 0 || !r.Analyzed && c.Rows <= 1 {
			empty++
		}
	}
	used := columns(filter, n.Children[0].Alias)
	byKey := slices.ContainsFunc(first.Key, func(k string) bool { return slices.Contains(used, k) })
	if empty < len(n.Children)/2 && !byKey {
		return nil
	}
	f := &Finding{Message: fmt.Sprintf("All %d partitions of %s are read: the condition %s leaves none out.",
		len(n.Children), first.Parent,
		short(strings.TrimSpace(filter)))}
	if byKey {
		f.Ask = "Can the condition on " + join(first.Key) + " compare the column itself with values, without a function " +
			"or cast around it?"
	} else {
		f.Ask = "Is a value of " + join(first.Key) + " known, by which " + first.Parent +
			" is partitioned? A condition on it leaves the others out."
	}
	return f
}
