package guard_test

import (
	"errors"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
)

// TestDomainsOfARole has a domain whose check calls a function that the role may not call. What only reads a column of it is
// allowed; what makes one of a literal is not: the check tells of the literal.
func TestDomainsOfARole(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE FUNCTION tells(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'told of %', $1; END $$;
		CREATE DOMAIN d AS int CHECK (tells(VALUE)); CREATE TABLE t (id int, v d); CREATE TYPE pair AS (id int, v d);
		CREATE TABLE plain (id int, name text, tags text[]); INSERT INTO plain VALUES (1, 'x', '{}');
		ALTER DOMAIN d DROP CONSTRAINT d_check; INSERT INTO t VALUES (1, 1), (NULL, NULL); ALTER DOMAIN d ADD CHECK (tells(VALUE)) NOT VALID;
		CREATE FUNCTION tried(sql text) RETURNS bool LANGUAGE plpgsql AS $$
		BEGIN
		  EXECUTE replace(sql, '$1', '1'); RETURN false;
		EXCEPTION WHEN raise_exception THEN RETURN true; END $$`)
	db := openCounted(t, url)
	g := guard.New(guard.Config{DB: db})
	role := &guard.Role{Name: "reader", Schemas: []string{"public"}, AllTables: true, AllTools: true, Operations: 1}
	as := guard.WithCaller(t.Context(), &guard.Caller{Sub: "a", Role: role})
	tried := 0
	for sql, allow := range map[string]bool{
		"SELECT * FROM t": true,
		"SELECT id, v FROM t WHERE v = 5 AND id IN (1, 2) ORDER BY v": true,
		"SELECT count(*), sum(v), max(id) FROM t GROUP BY v":          true,
		"SELECT v FROM t WHERE v = ANY ('{5}')":                       true,
		"SELECT coalesce(v, '5'), nullif(v, '5') FROM t":              true,
		"SELECT t.v FROM t JOIN plain USING (id) WHERE v > $1":        true,
		"SELECT array_agg(name), ARRAY[id] FROM plain GROUP BY id":    true,
		"SELECT coalesce(plain, '(1,x,{})') FROM plain":               true,

		"SELECT '5'::d":                                        false,
		"SELECT coalesce(t, '(1,5)') FROM t":                   false,
		"SELECT coalesce(t.*, '(1,5)') FROM t":                 false,
		"SELECT coalesce(x, '(1,5)') FROM t AS x":              false,
		"SELECT t FROM t UNION SELECT '(1,5)'":                 false,
		"SELECT CASE WHEN true THEN '(1,5)' ELSE t END FROM t": false,
		"SELECT ARRAY[v] = '{5}' FROM t":                       false,
		"SELECT ARRAY[t] = '{\"(1,5)\"}' FROM t":               false,
		"SELECT array_agg(v) = '{5}' FROM t":                   false,
		"SELECT ARRAY(SELECT v FROM t) = '{5}'":                false,
		"SELECT array_append(ARRAY[v], '5') FROM t":            false,
		"SELECT lag(v, 1, '5') OVER (ORDER BY id) FROM t":      false,
		"SELECT array_agg(t) = '{\"(1,5)\"}' FROM t":           false,
		"SELECT '(1,5)'::pair":                                 false,
		"SELECT jsonb_populate_record(t, '{\"v\": 5}') FROM t": false,
	} {
		_, err := g.Authorize(as, sql)
		var refusal *guard.Refusal
		if (err == nil) != allow || err != nil && !errors.As(err, &refusal) {
			t.Errorf("Authorize(%s) = %v, want it allowed: %v", sql, err, allow)
		}
		// A statement that is allowed does not run the check, one that is not may.
		if told := pgtest.Value(t, url, "SELECT tried($tried$"+sql+"$tried$)") == "t"; told && allow {
			t.Errorf("%s runs the check", sql)
		} else if told {
			tried++
		}
	}
	if tried < 8 {
		t.Errorf("%d of the statements run the check: want those that are refused", tried)
	}
}
