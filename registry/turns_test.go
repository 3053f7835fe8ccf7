package registry_test

import (
	"os"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// questions are asked of a database that nobody has seen, with what answers them.
var questions = []struct{ sql, want string }{
	{"SELECT typ, count(*) FROM wt.cust GROUP BY typ ORDER BY typ", "| G | 60 |\n| K | 20 |\n| P | 120 |"},
	{"SELECT count(*) AS blocked_by_court FROM wt.cust WHERE sperr = 2", "| 4 |"},
	{"SELECT g.bez, count(*) FROM wt.cust c JOIN wt.gem g ON g.kz = c.gem_kz GROUP BY 1 ORDER BY 2 DESC LIMIT 1", "| Neubach | 100 |"},
	{"SELECT count(*) AS active_meters FROM wt.mtr WHERE st = 'A'", "| 144 |"},
	{"SELECT count(*) AS meters_of_nobody FROM wt.mtr m LEFT JOIN wt.cust c ON c.kd_nr = m.kd WHERE c.kd_nr IS NULL", "| 24 |"},
	{"SELECT round(100.0 * count(*) FILTER (WHERE q = 'E') / count(*), 1) AS estimated FROM wt.rdg", "| 12.5 |"},
	{"SELECT avg(l.val - f.val) AS consumption FROM wt.rdg f JOIN wt.rdg l USING (mtr_id) WHERE f.at = '2023-12-31' AND l.at = '2024-12-31'", "| 52.9875 |"},
	{"SELECT max(at) AS last_reading FROM wt.rdg", "| 2024-12-31 |"},
	{"SELECT sum(net) / 100.0 AS open_eur, count(*) FROM bil.inv WHERE st = 10", "| 3724.2 | 120 |"},
	{"SELECT count(*) AS paid FROM bil.inv WHERE st = 20", "| 360 |"},
	{"SELECT count(*) AS unassigned, sum(amt) FROM bil.pay WHERE inv_no IS NULL", "| 9 | 112.50 |"},
	{"SELECT i.no FROM bil.inv i JOIN bil.pay p ON p.inv_no = i.no GROUP BY i.no HAVING sum(p.amt) > i.net / 100.0 ORDER BY 1", "| R00100 |\n| R00200 |\n| R00300 |\n| R00400 |\n| R00500 |\n| R00600 |"},
	{"SELECT sum(replace(replace(betrag, '.', ''), ',', '.')::numeric) AS eur FROM imp.bank", "| 15055.00 |"},
	{"SELECT min(CASE WHEN datum LIKE '____-%' THEN datum::date ELSE to_date(datum, 'DD.MM.YYYY') END) AS first FROM imp.bank", "| 2024-01-02 |"},
	{"SELECT no, per, txt FROM bil.inv WHERE st <> 90 ORDER BY net DESC LIMIT 40", "| R00600 | 202401 | Water as metered."},
}

// TestFewTurns plays what a model does who reads the instructions: the map, what it leaves open, and then all questions. The map must
// have what the questions need, and all of it must cost few calls and bytes.
func TestFewTurns(t *testing.T) {
	url := pgtest.URL(t)
	fixture, err := os.ReadFile("testdata/waterworks/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, string(fixture))
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	calls, size := 0, 0
	ask := func(tool, args string) string {
		t.Helper()
		res, err := r.Call(t.Context(), tool, []byte(args))
		if err != nil || res.Err != nil {
			t.Fatalf("%s(%s): %v %v", tool, args, err, res.Texts)
		}
		got := strings.Join(res.Texts, "\n")
		if calls, size = calls+1, size+len(got); len(got) > 25_000 {
			t.Errorf("%s(%.80s) has %d bytes", tool, args, len(got))
		}
		return got
	}
	known := ask("describe_database", `{}`) + ask("describe_table", `{"table_name": "wt.rdg, bil.inv"}`)
	for _, want := range []string{
		"SCHEMA bil, 3 tables: Invoices and payments", "TABLE rdg ~480 [partitioned by RANGE (at), 2 parts]: Readings of the dial", "mtr_id int! -> mtr.id CASCADE",
		"typ character(1)! ~{P|G|K} (P private, G trade, K municipal)", "gem_kz text -> gem.kz", "(Blocked: 0 no, 1 dunning, 2 court)", "st wt.mtr_st{A|D|V}!", "kd int",
		"(Customer, wt.cust.kd_nr; nothing enforces it)", "net bigint! (Cents)", "inv_no text -> inv.no SET NULL", "datum text ~{'99.99.9999'|'9999-99-99'}", "betrag text ~{'99,99'",
		"txt text ~{1084 bytes}", `"values":["2023-12-31","2024-12-31"]`, `"values":["20","10","90"]`,
	} {
		if !strings.Contains(known, want) {
			t.Errorf("what is known before the first question lacks %s:\n%s", want, known)
		}
	}
	for from := 0; from < len(questions); from += 8 {
		part := questions[from:min(from+8, len(questions))]
		var all []string
		for _, q := range part {
			all = append(all, q.sql)
		}
		got := ask("query", `{"sql": "`+strings.Join(all, "; ")+`"}`)
		for i, q := range part {
			if !strings.Contains(got, q.want) {
				t.Errorf("question %d, %s: want %s in\n%s", from+i+1, q.sql, q.want, got)
			}
		}
	}
	t.Logf("%d calls, %d bytes", calls, size)
	if calls > 4 || size > 35_000 {
		t.Errorf("%d questions took %d calls and %d bytes, want at most 4 and 35,000", len(questions), calls, size)
	}
}
