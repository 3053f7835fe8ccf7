package registry_test

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/registry"
)

// yardstick is the method that Postgres MCP Pro describes for its index tuning, after the Database Tuning Advisor of SQL
// Server: candidates are all combinations, up to a width, of the columns that a statement names; the one whose time and space
// are best is added, log(cost) + 2 log(space), as long as it saves a tenth of the cost.
type yardstick struct {
	t          *testing.T
	conn       *pgx.Conn
	statements []string
	planned    int // statements that were explained
}

// cost is that of all statements under indexes, and the bytes that these have.
func (y *yardstick) cost(indexes []string) (cost, bytes float64) {
	y.t.Helper()
	exec := func(into any, sql string, args ...any) {
		if err := y.conn.QueryRow(y.t.Context(), sql, args...).Scan(into); err != nil {
			y.t.Fatalf("%s: %v", sql, err)
		}
	}
	if _, err := y.conn.Exec(y.t.Context(), `SELECT "Hypo pg".hypopg_reset()`); err != nil {
		y.t.Fatal(err)
	}
	for _, sql := range indexes {
		var size float64
		exec(&size, `SELECT "Hypo pg".hypopg_relation_size(indexrelid)::float8 FROM "Hypo pg".hypopg_create_index($1)`, sql)
		bytes += size
	}
	for _, sql := range y.statements {
		var raw []byte
		exec(&raw, "EXPLAIN (FORMAT JSON) "+sql)
		var plans []struct {
			Plan struct {
				Cost float64 `json:"Total Cost"`
			}
		}
		if err := json.Unmarshal(raw, &plans); err != nil {
			y.t.Fatal(err)
		}
		y.planned++
		cost += plans[0].Plan.Cost
	}
	return cost, bytes
}

// candidates are the indexes on one or two of the columns that a statement names.
func (y *yardstick) candidates(columns map[string][]string) (all []string) {
	for _, sql := range y.statements {
		for table, names := range columns {
			if !strings.Contains(sql, table) {
				continue
			}
			for _, a := range names {
				named := func(column string) bool { return regexp.MustCompile(`\b` + column + `\b`).MatchString(sql) }
				if !named(a) {
					continue
				}
				all = append(all, "CREATE INDEX ON "+table+" ("+a+")")
				for _, b := range names {
					if a != b && named(b) {
						all = append(all, "CREATE INDEX ON "+table+" ("+a+", "+b+")")
					}
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (y *yardstick) search(candidates []string, space float64) (chosen []string) {
	cost, _ := y.cost(nil)
	best := math.Log(cost) + 2*math.Log(space)
	for {
		next, nextCost := "", cost
		for _, c := range candidates {
			if slices.Contains(chosen, c) {
				continue
			}
			with, bytes := y.cost(append(slices.Clone(chosen), c))
			if objective := math.Log(with) + 2*math.Log(space+bytes); objective < best && with <= 0.9*cost {
				best, next, nextCost = objective, c, with
			}
		}
		if next == "" {
			return chosen
		}
		chosen, cost = append(chosen, next), nextCost
	}
}

// TestAdviceAgainstYardstick: on one workload the advice is as good, with no more indexes and no more plans.
func TestAdviceAgainstYardstick(t *testing.T) {
	url := tuningDB(t)
	hypopg(t, url)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	y := &yardstick{t: t, conn: conn, statements: []string{
		"SELECT * FROM orders WHERE customer_id = 4242",
		"SELECT id FROM orders WHERE customer_id = 7 AND total > 900",
		"SELECT id, total FROM orders WHERE customer_id = 7 ORDER BY total DESC LIMIT 3",
		"SELECT id, note FROM orders ORDER BY total DESC LIMIT 10",
		"SELECT count(*) FROM orders WHERE placed_on = '2024-03-01'",
		"SELECT o.id FROM customers AS c JOIN orders AS o ON o.customer_id = c.id WHERE c.city = 'city7' AND c.score = 77",
		"SELECT count(*) FROM lines AS l JOIN orders AS o ON o.id = l.order_id WHERE l.product_id = 77",
		"SELECT status, count(*) FROM orders GROUP BY status",
	}}
	before, _ := y.cost(nil)
	theirs := y.search(y.candidates(map[string][]string{
		"orders":    {"id", "customer_id", "status", "placed_on", "total", "kind"},
		"customers": {"id", "city", "score", "zip"},
		"lines":     {"order_id", "line", "product_id"},
	}), 60<<20)
	planned := y.planned
	theirCost, theirBytes := y.cost(theirs)

	args, _ := json.Marshal(map[string]any{"statements": y.statements, "max_indexes": 10, "seconds": 60})
	res, err := tuned(t, registry.Config{DB: openDB(t, url)}).Call(t.Context(), "advise_indexes", args)
	if err != nil || res.Err != nil {
		t.Fatal(err, text(t, res))
	}
	var body struct {
		Indexes []struct{ SQL string }
		Planned int
	}
	if err := json.Unmarshal([]byte(res.JSON), &body); err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, i := range body.Indexes {
		ours = append(ours, strings.Replace(i.SQL, " CONCURRENTLY", "", 1))
	}
	ourCost, ourBytes := y.cost(ours)
	t.Logf("cost before %.0f\nyardstick %.0f, %.0f kB, %d plans: %q\nadvice %.0f, %.0f kB, %d plans: %q", before, theirCost, theirBytes/1024, planned, theirs,
		ourCost, ourBytes/1024, body.Planned, ours)
	if ourCost > 1.05*theirCost || len(ours) > len(theirs) || body.Planned > planned {
		t.Errorf("the advice costs %.0f with %d indexes and %d plans, the yardstick %.0f with %d and %d", ourCost, len(ours), body.Planned, theirCost,
			len(theirs), planned)
	}
}
