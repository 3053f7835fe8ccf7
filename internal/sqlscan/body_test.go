package sqlscan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

func TestBody(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"SELECT 1", []string{"SELECT 1"}},
		{" SELECT ';' ; -- x;\n SELECT 2;", []string{"SELECT ';'", "-- x;\n SELECT 2"}},
		{"BEGIN ATOMIC\n SELECT 1;\n SELECT CASE WHEN true THEN 1 END;\nEND", []string{"SELECT 1", "SELECT CASE WHEN true THEN 1 END"}},
		{"RETURN 1 + 2", []string{"SELECT 1 + 2"}},
		{"", nil},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, sqlscan.Body(test.text)); diff != "" {
			t.Errorf("Body(%q) (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestPLpgSQL(t *testing.T) {
	create := func(body string) string {
		return "CREATE FUNCTION f(a int) RETURNS SETOF int LANGUAGE plpgsql AS $f$ DECLARE x int := g(1); r record; arr int[]; BEGIN " + body + " END $f$"
	}
	tests := []struct{ body, want string }{
		{"x := x + h(2);", "SELECT  x + h(2)"},
		{"arr[h(1)] := 2;", "SELECT arr[h(1)] "},
		{"PERFORM pg_sleep(1);", "SELECT pg_sleep(1)"},
		{"IF z(1) THEN NULL; END IF;", "SELECT z(1)"},
		{"FOR r IN SELECT * FROM t LOOP NULL; END LOOP;", "SELECT * FROM t"},
		{"RETURN QUERY SELECT 1;", "SELECT 1"},
		{"RETURN NEXT y(1) + 1;", "SELECT y(1) + 1"},
		{"RAISE NOTICE '%', k(1);", "SELECT k(1)"},
		{"INSERT INTO t VALUES (1);", "INSERT INTO t VALUES (1)"},
		{"BEGIN NULL; EXCEPTION WHEN division_by_zero THEN x := e(1); END;", "SELECT  e(1)"},
		{"DECLARE v s.t.c%TYPE; BEGIN NULL; END;", "SELECT NULL::s.t"},
		{"DECLARE v \"S\".t%ROWTYPE := row(1); q record; BEGIN q := row(1); END;", "SELECT NULL::\"S\".t"},
		{"CASE WHEN q(1) THEN NULL; ELSE x := w(1); END CASE;", "SELECT  w(1)"},
	}
	for _, test := range tests {
		got, err := sqlscan.PLpgSQL(create(test.body))
		if err != nil || !slices.Contains(got, test.want) || !slices.Contains(got, "SELECT g(1)") {
			t.Errorf("PLpgSQL(%s) = %q, %v\nwant %q among them", test.body, got, err, test.want)
		}
	}
	for _, body := range []string{"EXECUTE 'SELECT 1';", "FOR r IN EXECUTE 'SELECT 1' LOOP NULL; END LOOP;", "RETURN QUERY EXECUTE 'SELECT 1';", "COMMIT;", "CALL p();", "nonsense",
		"DECLARE q record := row(g(2)); BEGIN NULL; END;", "DECLARE q CONSTANT /**/ pg_catalog.RECORD NOT NULL DEFAULT row(g(2)); BEGIN NULL; END;"} {
		if got, err := sqlscan.PLpgSQL(create(body)); err == nil {
			t.Errorf("PLpgSQL(%s) = %q, want an error", body, strings.Join(got, "; "))
		}
	}
}
