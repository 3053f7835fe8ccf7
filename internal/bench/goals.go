package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Goals of the project.
const (
	goalFirst = 60 * time.Millisecond
	goalIdle  = 30.0 // MiB
	goalPeak  = 48.0
)

// goals collects verdicts.
type goals struct {
	b    *bench
	list []string
}

// atMost adds one verdict. A value of zero was not measured.
func (g *goals) atMost(what string, value, limit float64, unit string) {
	if value > 0 {
		g.add(value <= limit, what, fmt.Sprintf("%.2f%s, want at most %.2f%s", value, unit, limit, unit))
	}
}

func (g *goals) add(met bool, what, figures string) {
	verdict := "MISSED"
	if met {
		verdict = "met   "
	}
	g.list = append(g.list, fmt.Sprintf("  %s  %-55s  %s", verdict, what, figures))
}

func (g *goals) result(name, layer string, workers int) result {
	return g.b.results[key(name, layer, workers)]
}

func (b *bench) printGoals(w io.Writer, firsts []first, peaks map[string]memory) {
	g := &goals{b: b}
	g.explore(firsts)
	g.speed()
	g.replies()
	for _, name := range slices.Sorted(maps.Keys(b.targets)) {
		g.atMost("idle RSS, "+name, mib(b.targets[name].idle.rss), goalIdle, " MiB")
		g.atMost("peak RSS, "+name, mib(peaks[name].peak), goalPeak, " MiB")
	}
	fmt.Fprintf(w, "\nGoals:\n%s\n", strings.Join(g.list, "\n"))
}

func (g *goals) explore(firsts []first) {
	for _, goal := range []struct {
		name  string
		limit float64
	}{{caseList, 2}, {caseDescribe, 3}} {
		g.atMost(goal.name+": server c1 against pgx", g.result(goal.name, layerServer, 1).ratio, goal.limit, "x")
	}
	for _, f := range firsts {
		if f.goal > 0 {
			g.atMost("first answer: "+f.what, f.p50.Seconds()*1000, f.goal.Seconds()*1000, " ms")
		}
	}
}

// speed are the goals of the engine and of the whole server: 40 % of pgx's calls is 2.5 times its time.
func (g *goals) speed() {
	for _, name := range []string{caseOneTool, caseOneQuery} {
		g.atMost(name+": engine c16 against pgx", g.result(name, layerEngine, 16).ratio, 1/0.40, "x")
	}
	for _, name := range []string{caseOneTool, caseOneQuery} {
		own, hard := g.result(name, layerServer, 16), g.result(name, layerHard, 16)
		if own.rate == 0 || hard.rate == 0 {
			continue
		}
		share, against := 1/own.ratio, own.ratio/hard.ratio
		g.add(share >= 12.0/98 || against <= 1, name+": server c16 against pgx, or hard-coded",
			fmt.Sprintf("%.1f%% of pgx's calls, want 12k of 98k = 12.2%%; or %.2fx hard-coded, want 1.00x", share*100, against))
	}
	for _, format := range []string{"json", "csv", "markdown"} {
		g.atMost(caseRowsQuery+format+": server c1 against pgx", g.result(caseRowsQuery+format, layerServer, 1).ratio, 1.3, "x")
	}
}

// replies compares the answers of the server with the JSON of the rows alone.
func (g *goals) replies() {
	plain := g.result(caseRowsQuery+"json", layerEngine, 1).reply
	if plain == 0 {
		return
	}
	for _, format := range []string{"json", "csv", "markdown"} {
		reply := g.result(caseRowsQuery+format, layerServer, 1).reply
		g.atMost(caseRowsQuery+format+": reply against the plain JSON", float64(reply)/float64(plain), 1.2, "x")
	}
}
