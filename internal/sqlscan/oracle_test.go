package sqlscan_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/internal/test/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is made for the statements of testdata: tables named by a letter with columns named by a letter.
const world = `
DO $$ DECLARE name text; BEGIN
	FOREACH name IN ARRAY string_to_array('a b c d e q s t u v w x y z T Ä ä', ' ') LOOP
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, a int, b int, c int, x int, y text, v int, n int)', name);
	END LOOP;
END $$;
CREATE FUNCTION f(VARIADIC int[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION g() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION h(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION i() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
`

// statements are those of files in testdata.
func statements(t *testing.T, names ...string) []string {
	t.Helper()
	var all []string
	for _, name := range names {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range strings.Split(string(data), "\n\n") {
			if sql, _, ok := strings.Cut(entry, "\n---"); ok {
				all = append(all, sql)
			}
		}
	}
	return all
}

// unknown reports SQL that this server can't take: it is of a later version, or is wrong, or names what world lacks.
func unknown(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code != "42501"
}

// PostgreSQL notes the tables that a view depends on.
func TestRelationsAreThoseOfPostgreSQL(t *testing.T) {
	conn, _ := connect(t)
	compared := 0
	for _, sql := range statements(t, "scope.txt", "locks.txt") {
		if st, err := sqlscan.Analyze(sql); err == nil && compareRelations(t, conn, sql, st) {
			compared++
		}
	}
	if compared < 45 {
		t.Errorf("compared %d statements of testdata, want at least 45", compared)
	}
	compared = 0
	for seed := range uint64(300) {
		sql := randomQuery(rand.New(rand.NewPCG(seed, 0)), 3)
		st, err := sqlscan.Analyze(sql)
		if err != nil {
			t.Errorf("Analyze(%q) = %v", sql, err)
		} else if compareRelations(t, conn, sql, st) {
			compared++
		}
	}
	if compared < 90 {
		t.Errorf("compared %d made statements, want at least 90", compared)
	}
}

// compareRelations reports false for SQL that can't be in a view.
func compareRelations(t *testing.T, conn *pgx.Conn, sql string, st *sqlscan.Statement) bool {
	t.Helper()
	ctx := context.Background()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, "CREATE TEMP VIEW seen AS SELECT 1 AS a WHERE EXISTS ("+sql+")"); err != nil {
		return false
	}
	rows, _ := tx.Query(ctx, `SELECT DISTINCT relname::text FROM pg_depend JOIN pg_class ON pg_class.oid = refobjid
		WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass AND refobjid <> 'pg_temp.seen'::regclass
		AND objid = (SELECT oid FROM pg_rewrite WHERE ev_class = 'pg_temp.seen'::regclass)`)
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range st.Relations {
		got = append(got, r.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("relations of %q (-PostgreSQL's +ours):\n%s", sql, diff)
	}
	return true
}

// randomQuery makes a query of one column with common table expressions and sub-selects of the same few names.
func randomQuery(r *rand.Rand, depth int) string {
	name := func() string { return string("abcd"[r.IntN(4)]) }
	var sql strings.Builder
	if depth > 0 && r.IntN(3) > 0 {
		sql.WriteString("WITH ")
		if r.IntN(3) == 0 {
			sql.WriteString("RECURSIVE ")
		}
		for i, ctes := 0, 1+r.IntN(3); i < ctes; i++ {
			if i > 0 {
				sql.WriteString(", ")
			}
			fmt.Fprintf(&sql, "%s (a) AS (%s)", string("abcd"[(r.IntN(2)+2*i)%4]), randomQuery(r, depth-1))
		}
		sql.WriteString(" ")
	}
	source := func() string {
		switch r.IntN(5) {
		case 0:
			if depth > 0 {
				return "(" + randomQuery(r, depth-1) + ")"
			}
		case 1:
			return "public." + name()
		}
		return name()
	}
	fmt.Fprintf(&sql, "SELECT p.a FROM %s AS p, %s AS q", source(), source())
	if depth > 0 && r.IntN(3) == 0 {
		fmt.Fprintf(&sql, " WHERE EXISTS (%s)", randomQuery(r, depth-1))
	}
	if r.IntN(3) == 0 {
		fmt.Fprintf(&sql, " UNION ALL SELECT a FROM %s AS r", source())
	}
	return sql.String()
}

// A role that is granted the operations that the analysis names, and nothing else, may run the statement.
func TestOperationsAreEnoughForPostgreSQL(t *testing.T) {
	conn, url := connect(t)
	role, _ := pgtest.Role(t, url)
	asked, needed := 0, 0
	for _, sql := range statements(t, "scope.txt", "locks.txt", "writes.txt") {
		st, err := sqlscan.Analyze(sql)
		if err != nil || st.Into {
			continue
		}
		grants := grantsOf(st, role)
		if err := asRole(t, conn, role, sql, grants); unknown(err) {
			continue
		} else if asked++; err != nil {
			t.Errorf("%q with %v: %v", sql, grants, err)
		}
		for i := range grants {
			if asRole(t, conn, role, sql, slices.Delete(slices.Clone(grants), i, i+1)) != nil {
				needed++
			} else {
				t.Logf("%q does not need %s", sql, grants[i])
			}
		}
	}
	if asked < 80 || needed < 100 {
		t.Errorf("asked for %d statements with %d grants that are needed, want at least 80 and 100", asked, needed)
	}
}

func grantsOf(st *sqlscan.Statement, role string) []string {
	var grants []string
	for _, r := range st.Relations {
		ops := r.Ops
		if ops&sqlscan.OpLock != 0 {
			ops = ops&^sqlscan.OpLock | sqlscan.OpUpdate
		}
		for _, right := range strings.Fields(operations(ops)) {
			grants = append(grants, "GRANT "+right+" ON "+pgx.Identifier{r.Name}.Sanitize()+" TO "+role)
		}
	}
	return grants
}

// asRole gives PostgreSQL's answer to the statement from a role with no other rights.
func asRole(t *testing.T, conn *pgx.Conn, role, sql string, grants []string) error {
	t.Helper()
	ctx := context.Background()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	for _, grant := range append(slices.Clone(grants), "SET LOCAL ROLE "+role) {
		if _, err := tx.Exec(ctx, grant); err != nil {
			t.Fatalf("%s: %v", grant, err)
		}
	}
	if !strings.HasPrefix(sql, "EXPLAIN") {
		sql = "EXPLAIN " + sql
	}
	_, err = tx.Exec(ctx, sql)
	return err
}

func connect(t *testing.T) (conn *pgx.Conn, url string) {
	t.Helper()
	url = pgtest.URL(t)
	pgtest.Exec(t, url, world)
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn, url
}
