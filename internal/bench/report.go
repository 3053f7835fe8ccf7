package main

import (
	"fmt"
	"math"
	"os"
	"text/tabwriter"
)

// Goals of the project.
const (
	goalFirst = 60.0 // ms
	goalIdle  = 30.0 // MiB
	goalPeak  = 48.0
)

// goal is one verdict: met is a value of at most limit.
type goal struct {
	what         string
	value, limit float64
	unit         string
}

// atMost adds a goal, unless its value was not measured: then it is zero or a quotient with zero.
func (b *bench) atMost(what string, value, limit float64, unit string) {
	if value > 0 && !math.IsInf(value, 0) {
		b.goals = append(b.goals, goal{what, value, limit, unit})
	}
}

// setGoals holds the results against the goals of speed and size.
func (b *bench) setGoals() {
	for _, g := range []struct {
		key
		limit float64
	}{
		{key{caseList, layerStdio, 1}, 2},
		{key{caseDescribe, layerStdio, 1}, 3},
		{key{caseOneTool, layerEngine, maxWorkers}, 1 / 0.40}, // 40 % of pgx's calls
		{key{caseOneQuery, layerEngine, maxWorkers}, 1 / 0.40},
		{key{caseJSON, layerStdio, 1}, 1.3},
		{key{caseCSV, layerStdio, 1}, 1.3},
		{key{caseMarkdown, layerStdio, 1}, 1.3},
	} {
		b.atMost(fmt.Sprintf("%s: %s c%d against pgx", g.name, g.layer, g.workers), b.results[g.key].ratio, g.limit, "x")
	}
	for _, name := range []string{caseOneTool, caseOneQuery} { // one of two: 12,000 calls where pgx makes 98,000, or hard-coded's
		own, hard := b.results[key{name, layerStdio, maxWorkers}].ratio, b.results[key{name, layerHard, maxWorkers}].ratio
		b.atMost(name+": stdio c16 against hard-coded or 12/98 of pgx", own/max(hard, 98.0/12), 1, "x")
	}
	for _, name := range []string{caseJSON, caseCSV, caseMarkdown} {
		plain, reply := b.results[key{caseJSON, layerInProcess, 1}].text, b.results[key{name, layerStdio, 1}].reply
		b.atMost(name+": reply against the plain JSON", float64(reply)/float64(plain), 1.2, "x")
	}
}

func (b *bench) printGoals() {
	fmt.Println("\nGoals:")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	for _, g := range b.goals {
		verdict := "met"
		if g.value > g.limit {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "  %s\t%s\t%.2f%s, want at most %.2f%s\n", verdict, g.what, g.value, g.unit, g.limit, g.unit)
	}
}

const rowFormat = "%-26s %3v  %-10s %9s %9s %7s %8s %8s %9s\n"

func printHeading() {
	fmt.Printf(rowFormat, "case", "c", "layer", "p50 ms", "calls/s", "x pgx", "allocs", "KiB", "reply B")
}

func printResult(k key, r result) {
	fmt.Printf(rowFormat, k.name, k.workers, k.layer, figure(3, r.ms), figure(0, r.rate), figure(2, r.ratio),
		figure(0, r.allocs), figure(1, r.kib), figure(0, float64(r.reply)))
}

// figure is a number with some decimals; what was not measured is a dash.
func figure(decimals int, value float64) string {
	if value == 0 {
		return "-"
	}
	return fmt.Sprintf("%.*f", decimals, value)
}

// measureMemory prints what the servers hold.
func (b *bench) measureMemory() {
	fmt.Println("\nMemory of the server over stdio, MiB:")
	for _, d := range b.databases {
		rss, peak := d.stdio.memory()
		fmt.Printf("  %-7s idle after the start %.1f, at the end %.1f, peak %.1f\n", d.name, d.idle, rss, peak)
		b.atMost("idle RSS, "+d.name, d.idle, goalIdle, " MiB")
		b.atMost("peak RSS, "+d.name, peak, goalPeak, " MiB")
	}
}
