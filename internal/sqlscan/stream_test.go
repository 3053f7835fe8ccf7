package sqlscan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/sqlscan"
)

func TestStreamFunctions(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"SELECT * FROM generate_series(1, 3)", "SELECT * FROM (SELECT generate_series(1, 3)) AS generate_series(generate_series)"},
		{"SELECT * FROM Generate_Series(1, 3) WHERE true;", "SELECT * FROM (SELECT Generate_Series(1, 3)) AS Generate_Series(Generate_Series) WHERE true;"},
		{`SELECT "G" FROM pg_catalog.generate_series(1, 3) "G" LIMIT 1`, `SELECT "G" FROM (SELECT pg_catalog.generate_series(1, 3)) AS "G"("G") LIMIT 1`},
		{"SELECT n FROM generate_series(1, 3) /* a */ AS -- b\n t ( n ) OFFSET 1", "SELECT n FROM (SELECT generate_series(1, 3)) AS t(n) OFFSET 1"},
	}
	for _, test := range tests {
		if got, _, ok := sqlscan.StreamFunctions(test.sql); !ok || got != test.want {
			t.Errorf("StreamFunctions(%q) = %q, %v, want %q", test.sql, got, ok, test.want)
		}
	}
}

// Each of these is rewritten, and gives what it gave before: columns, types, rows, or an error at the same place.
var streamable = []string{
	"SELECT * FROM generate_series(1, 3)",
	"SELECT * FROM generate_series(1, 3) g",
	"SELECT * FROM generate_series(1, 3) AS t(n)",
	"SELECT g FROM generate_series(1, 3) g",
	"SELECT g, g.g, g.* FROM generate_series(1, 3) AS g",
	"SELECT t.n, n, t.* FROM generate_series(1, 3) AS t(n)",
	"SELECT generate_series.generate_series, generate_series, generate_series.* FROM generate_series(1, 3)",
	"SELECT n * 2 AS a, 'ä', now() IS NULL FROM generate_series(1, 10, 2) t(n) WHERE n > 3 AND t.n <> 7 LIMIT 2 OFFSET 1",
	`SELECT "Ä", "Ä"."Ä" FROM generate_series(1, 3) "Ä"`,
	`SELECT 1 FROM generate_series(1, 3) U&"\0061"`,
	"SELECT FROM generate_series(1, 3)",
	"SELECT pg_typeof(g), g FROM generate_series(1::bigint, 3) g",
	"SELECT g FROM generate_series(1.5, 4) g",
	"SELECT g FROM generate_series('2020-01-01'::timestamp, '2020-01-03', '1 day') g",
	"SELECT g::date, extract(dow FROM g) FROM generate_series(date '2020-01-01', date '2020-01-03', interval '12 hours') g",
	"SELECT count(*) FROM generate_series(now(), now() + interval '1 day', '1 hour')",
	"SELECT g FROM generate_series(1, (SELECT max(a) FROM (VALUES (1), (4)) v(a))) g",
	"SELECT g FROM generate_series(1, (SELECT count(*) FROM generate_series(1, 3))) g",
	"SELECT g, (SELECT count(*) FROM generate_series(1, g)), generate_series(1, 2) FROM generate_series(1, 2) g",
	"SELECT g FROM generate_series(1, NULL) g",
	"SELECT g FROM generate_series(3, 1) g",
	"SELECT g FROM generate_series(1, 3) g WHERE EXISTS (SELECT FROM generate_series(2, 5) h WHERE h = g)",
	"SELECT g FROM generate_subscripts(ARRAY[4, 5], 1) g",
	"SELECT * FROM generate_subscripts('{{1,2},{3,4}}'::int[], 2, true)",
	"SELECT * FROM string_to_table('a,b,,c', ',', '')",
	"SELECT w, length(w) FROM regexp_split_to_table('the quick  fox', '\\s+') AS w",
	"SELECT w FROM regexp_split_to_table('aXbxc', 'x', 'i') AS w WHERE w > 'a' COLLATE \"C\"",
	"SELECT row_number() OVER (), g FROM generate_series(1, 3) g",
	"SELECT 'ä', g, missing FROM generate_series(1, 3) g",
	"SELECT 'ä', g FROM generate_series(1, 3) g WHERE h > 1",
	"SELECT g FROM generate_series(1, 'x'::int) g",
	"SELECT g FROM generate_series(1, 'ä') AS g",
	"SELECT g FROM generate_series(true, 1) g",
	"SELECT g FROM generate_series(1, 3, 0) g",
	"SELECT 1/(g-2) FROM generate_series(1, 3) g",
	"SELECT to_hex(g), g + 'ä' FROM generate_series(1, 3) g",
	"SELECT row_to_json(g) FROM generate_series(1, 3) g",
}

// Each of these stays as it is.
var unstreamable = []string{
	"SELECT 1",
	"SELECT 'generate_series'",
	"SELECT * FROM generate_series",
	"SELECT generate_series(1, 3)",
	"SELECT * FROM generate_series(1, 3) g ORDER BY g",
	"SELECT DISTINCT g FROM generate_series(1, 3) g",
	"SELECT g FROM generate_series(1, 3) g GROUP BY g",
	"SELECT count(*) FROM generate_series(1, 3) g HAVING true",
	"SELECT g FROM generate_series(1, 3) g FOR UPDATE",
	"SELECT sum(g) OVER w FROM generate_series(1, 3) g WINDOW w AS ()",
	"SELECT g FROM generate_series(1, 3) g UNION SELECT 1",
	"SELECT g FROM generate_series(1, 3) g FETCH FIRST ROW WITH TIES",
	"SELECT g INTO t FROM generate_series(1, 3) g",
	"WITH a AS (SELECT 1) SELECT g FROM generate_series(1, 3) g",
	"(SELECT g FROM generate_series(1, 3) g)",
	"EXPLAIN SELECT g FROM generate_series(1, 3) g",
	"SELECT * FROM generate_series(1, 3) g, generate_series(1, 3) h",
	"SELECT * FROM generate_series(1, 3) g JOIN t ON true",
	"SELECT * FROM generate_series(1, 3) WITH ORDINALITY",
	"SELECT * FROM ROWS FROM (generate_series(1, 3))",
	"SELECT * FROM ROWS FROM (generate_series(1, 3), generate_series(1, 3))",
	"SELECT * FROM LATERAL generate_series(1, 3)",
	"SELECT * FROM generate_series(1, 3) AS g(a int)",
	"SELECT * FROM generate_series(1, 3) AS (a int)",
	"SELECT * FROM generate_series(1, 3) AS g(a, b)",
	"SELECT * FROM s.generate_series(1, 3)",
	"SELECT * FROM generate_series(1, generate_series(1, 3))",
	"SELECT * FROM generate_series(1, count(*))",
	"SELECT * FROM generate_series(1, f())",
	"SELECT * FROM generate_series(1, g) g",
	"SELECT * FROM generate_series(VARIADIC ARRAY[1, 2])",
	"SELECT * FROM generate_series(a => 1)",
	"SELECT t FROM generate_series(1, 3) AS t(n)",
	"SELECT count(t) FROM generate_series(1, 3) AS t(n)",
	"SELECT count(g.*) FROM generate_series(1, 3) g",
	"SELECT row(g.*) FROM generate_series(1, 3) g",
	"SELECT g.to_hex FROM generate_series(1, 3) g",
	"SELECT (t).n FROM generate_series(1, 3) t(n)",
	"SELECT 1 FROM generate_series(1, 3) g WHERE (SELECT count(g.*)) > 0",
	`SELECT 1 FROM generate_series(1, 3) U&"!0061" UESCAPE '!'`,
	"SELECT * FROM unnest(ARRAY[1, 2])",
	"SELECT * FROM json_array_elements('[1]')",
	"SELECT * FROM generate_series(1, 3); SELECT 2",
	"SELECT * FROM generate_series(1, 3",
	"SELECT * FROM generate_series(1, 3) TABLESAMPLE system (1)",
}

func TestStreamFunctionsKeepsTheResult(t *testing.T) {
	conn, _ := connect(t)
	for _, sql := range streamable {
		rewritten, shift, ok := sqlscan.StreamFunctions(sql)
		if !ok {
			t.Errorf("StreamFunctions(%q) is not ok", sql)
			continue
		}
		want, got := answer(t, conn, sql, func(p int) int { return p }), answer(t, conn, rewritten, shift)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answer to %q, rewritten %q (-original +rewritten):\n%s", sql, rewritten, diff)
		}
	}
	for _, sql := range unstreamable {
		if rewritten, _, ok := sqlscan.StreamFunctions(sql); ok {
			t.Errorf("StreamFunctions(%q) = %q, want nothing", sql, rewritten)
		}
	}
}

// answer is all that a client sees of a statement.
func answer(t *testing.T, conn *pgx.Conn, sql string, shift func(int) int) []string {
	t.Helper()
	tx, err := conn.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) // and now() stays the same within the transaction only
	result := conn.PgConn().ExecParams(context.Background(), sql, nil, nil, nil, nil).Read()
	var all []string
	for _, f := range result.FieldDescriptions {
		all = append(all, fmt.Sprintf("column %s of type %d, %d, %d", f.Name, f.DataTypeOID, f.TypeModifier, f.DataTypeSize))
	}
	for _, row := range result.Rows {
		all = append(all, fmt.Sprintf("row %q", row))
	}
	var pg *pgconn.PgError
	if errors.As(result.Err, &pg) {
		all = append(all, fmt.Sprintf("%s %s %s %s at %d", pg.Code, pg.Message, pg.Detail, pg.Hint, shift(int(pg.Position))))
	}
	return append(all, result.CommandTag.String())
}

func TestStreamFunctionsWithParameters(t *testing.T) {
	conn, _ := connect(t)
	rewritten, _, ok := sqlscan.StreamFunctions("SELECT g FROM generate_series($1, $2) g WHERE g <> $3")
	if !ok {
		t.Fatal("StreamFunctions is not ok")
	}
	want, err := conn.Prepare(context.Background(), "", "SELECT g FROM generate_series($1, $2::bigint) g WHERE g <> $3")
	if err != nil {
		t.Fatal(err)
	}
	got, err := conn.Prepare(context.Background(), "", strings.Replace(rewritten, "$2)", "$2::bigint)", 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.ParamOIDs, got.ParamOIDs); diff != "" {
		t.Errorf("types of parameters (-original +rewritten):\n%s", diff)
	}
}

// The rewritten statement must not compute a billion rows to give ten.
func TestStreamFunctionsStreams(t *testing.T) {
	conn, _ := connect(t)
	rewritten, _, ok := sqlscan.StreamFunctions("SELECT * FROM generate_series(1, 1000000000)")
	if !ok {
		t.Fatal("StreamFunctions is not ok")
	}
	if _, err := conn.Exec(context.Background(), "SET statement_timeout = '10s'"); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(context.Background(), rewritten+" LIMIT 10")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pgx.CollectRows(rows, pgx.RowTo[int]); err != nil || len(got) != 10 {
		t.Errorf("%q gives %v, %v, want ten rows", rewritten, got, err)
	}
}
