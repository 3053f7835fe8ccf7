package main

import (
	"fmt"
	"math"
)

// atMost adds a goal, unless there is no limit or the value was not measured: then it is zero or a quotient with zero.
func (b *bench) atMost(what string, value, limit float64, unit string) {
	if limit == 0 || !(value > 0) || math.IsInf(value, 0) {
		return
	}
	verdict := map[bool]string{true: "met", false: "MISSED"}[value <= limit]
	fmt.Fprintf(b.goals, "  %s\t%s\t%.2f%s, want at most %.2f%s\n", verdict, what, value, unit, limit, unit)
}

// judge holds the results of a case against its goals.
func (b *bench) judge(c *benchCase, r map[string]figures) {
	b.atMost(c.name+": engine c16 against pgx", r["engine c16"][ratio], c.limits.engine16, "x")
	floor := max(r["hard-coded c16"][ratio], 98.0/12)
	b.atMost(c.name+": stdio c16 against hard-coded, or 12k of pgx's 98k calls", r["stdio c16"][ratio]/floor,
		c.limits.stdio16, "x")
	b.atMost(c.name+": HTTP c16 against hard-coded over HTTP", r["http c16"][ratio]/r["hard http c16"][ratio],
		c.limits.http16, "x")
	b.atMost(c.name+": stdio c1 against pgx", r["stdio c1"][ratio], c.limits.stdio1, "x")
	b.atMost(c.name+": stdio c1 against pgx that writes JSON", r["stdio c1"][jsonRatio], c.limits.json1, "x")
	b.atMost(c.name+": reply against the plain JSON", r["stdio c1"][reply]/b.plain, c.limits.reply, "x")
}

// rowFormat is for rows that are printed as they come; a tabwriter would keep them until the end.
const rowFormat = "%-26s %4v  %-10s %9s %9s %7s %7s %8s %8s %9s\n"

func printRow(name string, c any, layer string, f figures) {
	cells := []any{name, c, layer}
	for i, decimals := range [columns]int{p50: 3, ratio: 2, jsonRatio: 2, kib: 1} {
		cell := "-"
		if f[i] > 0 {
			cell = fmt.Sprintf("%.*f", decimals, f[i])
		}
		cells = append(cells, cell)
	}
	fmt.Printf(rowFormat, cells...)
}

// printMemory prints what the servers over stdio hold.
func (b *bench) printMemory() {
	fmt.Println("\nMemory of the server, MiB:")
	for _, d := range b.databases {
		rss, peak := d.stdio.memory()
		fmt.Printf("  %-7s idle after the start %.1f, at the end %.1f, peak %.1f\n", d.name, d.idle, rss, peak)
		b.atMost("idle RSS, "+d.name, d.idle, 30, " MiB")
		b.atMost("peak RSS, "+d.name, peak, 48, " MiB")
	}
}
