package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestDependentRowsAreThoseOfDelete: the rows that get_dependent_rows says are deleted are those that a DELETE deletes.
func TestDependentRowsAreThoseOfDelete(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE); INSERT INTO tree SELECT n, nullif(n / 2, 0) FROM generate_series(1, 31) AS n;
		CREATE TABLE cycle_a (id int PRIMARY KEY, b int); CREATE TABLE cycle_b (id int PRIMARY KEY, a int REFERENCES cycle_a ON DELETE CASCADE);
		ALTER TABLE cycle_a ADD FOREIGN KEY (b) REFERENCES cycle_b ON DELETE CASCADE;
		INSERT INTO cycle_a VALUES (1, NULL), (2, NULL), (3, NULL); INSERT INTO cycle_b VALUES (1, 1), (2, 2), (3, 3); UPDATE cycle_a SET b = 1 WHERE id = 2; UPDATE cycle_a SET b = 2 WHERE id = 1;
		CREATE TABLE top (id int PRIMARY KEY); CREATE TABLE l (id int PRIMARY KEY, t int REFERENCES top ON DELETE CASCADE); CREATE TABLE r (id int PRIMARY KEY, t int REFERENCES top ON DELETE CASCADE);
		CREATE TABLE bottom (l int REFERENCES l ON DELETE CASCADE, r int REFERENCES r ON DELETE CASCADE, t int REFERENCES top ON DELETE CASCADE);
		INSERT INTO top VALUES (1), (2); INSERT INTO l VALUES (1, 1), (2, 2); INSERT INTO r VALUES (1, 1), (2, 2); INSERT INTO bottom VALUES (1, 1, 1), (1, 2, 2), (2, 2, 2);
		CREATE TABLE part (id int PRIMARY KEY, up int) PARTITION BY RANGE (id); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10); CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (10) TO (20);
		ALTER TABLE part ADD FOREIGN KEY (up) REFERENCES part ON DELETE CASCADE; CREATE TABLE of_part (id int REFERENCES part ON DELETE CASCADE); CREATE TABLE of_leaf (id int REFERENCES part_2 ON DELETE CASCADE);
		INSERT INTO part VALUES (1, NULL), (11, 1), (2, 11), (12, NULL); INSERT INTO of_part VALUES (1), (11), (12); INSERT INTO of_leaf VALUES (11), (12);
		CREATE TABLE base (id int PRIMARY KEY); CREATE TABLE heir () INHERITS (base); CREATE TABLE of_base (id int REFERENCES base ON DELETE CASCADE); INSERT INTO base VALUES (1); INSERT INTO heir VALUES (1); INSERT INTO of_base VALUES (1);
		CREATE TABLE "Odd ""%s" ("a b" text, "%L" int, PRIMARY KEY ("%L", "a b")); CREATE TABLE "od'd" (x text, y int, FOREIGN KEY (y, x) REFERENCES "Odd ""%s" ON DELETE CASCADE);
		INSERT INTO "Odd ""%s" VALUES ('it''s \ "%', 1); INSERT INTO "od'd" VALUES ('it''s \ "%', 1), (NULL, 1);
		ANALYZE`)
	r := buildAll(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	const all = `SELECT sum((xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %I', c.relname), false, true, '')))[1]::text::int)::int
		FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'`
	for _, c := range []struct{ table, key, where string }{
		{"tree", `["1"]`, "id = 1"}, {"tree", `["2"]`, "id = 2"}, {"tree", `["31"]`, "id = 31"}, {"tree", `["99"]`, "id = 99"},
		{"cycle_a", `["1"]`, "id = 1"}, {"cycle_b", `["3"]`, "id = 3"}, {"top", `["1"]`, "id = 1"}, {"top", `["2"]`, "id = 2"},
		{"part", `["1"]`, "id = 1"}, {"part_1", `["1"]`, "id = 1"}, {"part", `["12"]`, "id = 12"}, {"part_2", `["11"]`, "id = 11"}, {"base", `["1"]`, "id = 1"},
		{`Odd "%s`, `["1", "it's \\ \"%"]`, `"%L" = 1`},
	} {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var before, after int
		only := map[bool]string{true: "ONLY "}[c.table == "base"]
		for _, step := range []func() error{
			func() error { return tx.QueryRow(t.Context(), all).Scan(&before) },
			func() error {
				_, err := tx.Exec(t.Context(), "DELETE FROM "+only+pgx.Identifier{c.table}.Sanitize()+" WHERE "+c.where)
				return err
			},
			func() error { return tx.QueryRow(t.Context(), all).Scan(&after) },
			func() error { return tx.Rollback(t.Context()) },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		name, _ := json.Marshal(c.table)
		got := askTool(t, r, "get_dependent_rows", `{"table_name": `+string(name)+`, "key": `+c.key+`}`)
		if want := fmt.Sprintf(`"deleted_in_all":%d`, before-after); !strings.Contains(got, want) {
			t.Errorf("get_dependent_rows(%s %s) = %s\nwant %s in it", c.table, c.key, got, want)
		}
	}
}

// TestDependentRowsSay: what stops a DELETE, and what is not followed.
func TestDependentRowsSay(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);
		CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE); INSERT INTO b VALUES (1, 1), (2, 1);
		CREATE TABLE stop_at_end (b int REFERENCES b, a int REFERENCES a ON DELETE CASCADE); INSERT INTO stop_at_end VALUES (1, 1), (2, NULL);
		CREATE TABLE stop_at_once (b int REFERENCES b ON DELETE RESTRICT, a int REFERENCES a ON DELETE CASCADE); INSERT INTO stop_at_once VALUES (1, 1), (2, NULL);
		CREATE TABLE nulls (id int PRIMARY KEY, a int REFERENCES a ON DELETE SET NULL); INSERT INTO nulls VALUES (1, 1);
		CREATE TABLE beyond (n int REFERENCES nulls ON DELETE CASCADE); ALTER TABLE nulls ENABLE ROW LEVEL SECURITY;
		CREATE TABLE hub (id int PRIMARY KEY); INSERT INTO hub VALUES (1)`)
	var spokes strings.Builder
	for n := range 120 {
		fmt.Fprintf(&spokes, "CREATE TABLE spoke_%d (id int PRIMARY KEY, hub int REFERENCES hub ON DELETE CASCADE, other int REFERENCES hub); INSERT INTO spoke_%[1]d VALUES (1, 1, 1);", n)
	}
	pgtest.Exec(t, url, spokes.String())
	r := buildAll(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	for _, c := range []struct{ args, want, not string }{
		{`{"table_name": "a", "key": ["1"]}`, `"table_name":"stop_at_end","columns":"b -> public.b (id)","effect":"stops the DELETE","rows":1`, "beyond"},
		{`{"table_name": "a", "key": ["1"]}`, `"table_name":"stop_at_once","columns":"b -> public.b (id)","effect":"stops the DELETE (RESTRICT)","rows":2`, ""},
		{`{"table_name": "a", "key": ["1"]}`, `Rows that row security hides are not counted.`, "does not see"},
		{`{"table_name": "a"}`, `"depth":2,"direction":"depends on it","table_name":"beyond"`, `"rows"`},
		{`{"table_name": "hub", "key": ["1"]}`, `"note":"Not all steps are shown:the numbers are lower bounds."`, ""},
		{`{"table_name": "hub"}`, `"note":"Not all steps are shown."`, ""},
		{`{"table_name": "a", "max_depth": 1}`, `"note":"Not all steps are shown."`, "beyond"},
		{`{"table_name": "a", "max_depth": 2}`, `"table_name":"beyond"`, "Not all"},
		{`{"table_name": "a", "key": ["1"], "max_depth": 1}`, `Not all steps are shown:the numbers are lower bounds.`, ""},
		{`{"table_name": "beyond", "max_depth": 1}`, `"note":"Not all steps are shown."`, ""},
		{`{"table_name": "beyond", "max_depth": 2}`, `"table_name":"a"`, "Not all"},
	} {
		got := strings.ReplaceAll(askTool(t, r, "get_dependent_rows", c.args), `"table_name":"public.`, `"table_name":"`)
		if !strings.Contains(got, c.want) || c.not != "" && strings.Contains(got, c.not) {
			t.Errorf("get_dependent_rows(%s) = %s\nwant %s in it, not %q", c.args, got, c.want, c.not)
		}
	}
	if pgtest.Value(t, url, "SELECT current_setting('server_version_num')::int >= 180000") != "t" {
		return
	}
	pgtest.Exec(t, url, `CREATE TABLE loose (a int REFERENCES a ON DELETE CASCADE NOT ENFORCED); INSERT INTO loose VALUES (1)`)
	pgtest.Exec(t, url, `CREATE TABLE room (id int4range, valid daterange, PRIMARY KEY (id, valid WITHOUT OVERLAPS)); CREATE TABLE booking (room int4range, during daterange, FOREIGN KEY (room, PERIOD during) REFERENCES room (id, PERIOD valid));
		INSERT INTO room VALUES ('[1,2)', '[2024-01-01,2025-01-01)'), ('[1,2)', '[2025-01-01,2026-01-01)'); INSERT INTO booking VALUES ('[1,2)', '[2024-12-01,2025-02-01)'), ('[1,2)', '[2025-03-01,2025-04-01)')`)
	if got, want := askTool(t, r, "get_dependent_rows", `{"table_name": "room", "key": ["[1,2)", "[2024-01-01,2025-01-01)"]}`), `"effect":"stops the DELETE","rows":1}`; !strings.Contains(got, want) {
		t.Errorf("a key with a period: %s, want %s in it", got, want)
	}
	if got, want := askTool(t, r, "get_dependent_rows", `{"table_name": "a", "key": ["1"]}`), `"effect":"none:the key is not enforced"}`; !strings.Contains(got, want) {
		t.Errorf("a key that is not enforced: %s, want %s in it", got, want)
	}
}

// TestProfileOfAnyTable: odd names, types, domains, collations and wide tables don't keep a table from being profiled.
func TestProfileOfAnyTable(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE DOMAIN d1 AS int CHECK (VALUE > 0); CREATE DOMAIN d2 AS d1; CREATE DOMAIN da AS int[]; CREATE DOMAIN dj AS jsonb; CREATE TYPE comp AS (a int, b text); CREATE TYPE mood AS ENUM ('fine', 'bad');
		CREATE TABLE every (x int, s text, e text, v text COLLATE "C", n text, "Ähm %s ""'" text, c name, r int4range, p point, g int GENERATED ALWAYS AS (x * 2) STORED, b bytea, i interval, m money, u uuid,
			tz timetz, arr text[], xm xml, tv tsvector, o oid, rc regclass, bits bit(3), ip inet, ch "char", j jsonb, dom d2, doma da, domj dj, co comp, cos comp[], en mood, num numeric, f float8);
		INSERT INTO every (x, s, e, v, xm, rc, p, b, m, j, arr, dom, doma, domj, co, en, "Ähm %s ""'", num, f)
			SELECT g, 'a', CASE g WHEN 1 THEN ' ' WHEN 2 THEN ' b' ELSE 'b' END, 'c', '<a/>'::xml, 'pg_class'::regclass, '(1,2)'::point, '\x0001'::bytea, '1.5'::money, '[{"k": 1, "o": {"deep": [true]}}]'::jsonb, ARRAY['q'], g, ARRAY[g], '{"z": null}'::jsonb, ROW(NULL, NULL)::comp, 'bad'::mood, g || ',50', 'NaN'::numeric, 'Infinity'::float8
			FROM generate_series(1, 5) AS g;
		CREATE TABLE forms (iso text, german text, code text, mixed text, mail text, stamp text, bool text);
		INSERT INTO forms SELECT '2024-02-0' || g, '0' || g || '.02.2024', '00' || g, CASE WHEN g < 5 THEN g::text WHEN g < 8 THEN g || '/1/2024' ELSE 'none' END, 'a' || g || '@example.org', '2024-02-01 10:0' || g, CASE WHEN g < 5 THEN 'yes' ELSE 'no' END FROM generate_series(1, 9) AS g;
		CREATE TABLE secured (a int); ALTER TABLE secured ENABLE ROW LEVEL SECURITY; INSERT INTO secured VALUES (1);
		CREATE TABLE zero (a text, j json); INSERT INTO zero VALUES (NULL, '{"a": "\u0000"}'), (repeat('x', 300) || '1', '{"b": 1}'), (repeat('x', 300) || '2', NULL)`)
	var wide []string
	for n := range 1600 {
		wide = append(wide, fmt.Sprintf("c%d int", n))
	}
	pgtest.Exec(t, url, "CREATE TABLE wide ("+strings.Join(wide, ",")+")")
	login, loginURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, "GRANT SELECT (s) ON every TO "+login)
	all := buildAll(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	some := buildAll(t, registry.Config{DB: openDB(t, loginURL)}, nil)
	for _, c := range []struct {
		r          *registry.Registry
		args, want string
	}{
		{all, `{"table_name": "every"}`, `"column_name":"x","type":"integer","rows":5,"null_share":0,"distinct_values":5,"min":"1","max":"5"`},
		{all, `{"table_name": "every"}`, `"blank":1,"blanks_around":1,`},
		{all, `{"table_name": "every"}`, `"column_name":"g","type":"integer","rows":5,"null_share":0,"distinct_values":5,"min":"2","max":"10"`},
		{all, `{"table_name": "every"}`, `"json_keys":"[] object (5),[].k number (5),[].o object (5),[].o.deep array (5)`},
		{all, `{"table_name": "every"}`, `"json_keys":"z null (5)"`},
		{all, `{"table_name": "every"}`, `"column_name":"b","type":"bytea","rows":5,"null_share":0,"min_length":2,"max_length":2}`},
		{all, `{"table_name": "every"}`, `"column_name":"co","type":"comp","rows":5,"null_share":0,"note":"Values of this type are not read."`},
		{all, `{"table_name": "every"}`, `"column_name":"dom","type":"d2","rows":5,"null_share":0,"distinct_values":5,"min":"1","max":"5"`},
		{all, `{"table_name": "every"}`, `"common_values":"bad (5)"`},
		{all, `{"table_name": "every"}`, `"looks_like":"every value is a number (1.234,5)"`},
		{all, `{"table_name": "every"}`, `"min":"NaN","max":"NaN"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"every value is a date (31.12.2025)"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"every value is digits that begin with 0"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"a number (4),a date (31/12/2025 or 12/31/2025) (3)","others":"\"none\" (2)"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"every value is an e-mail address"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"every value is a timestamp (YYYY-MM-DD HH:MM)"`},
		{all, `{"table_name": "forms"}`, `"looks_like":"every value is yes or no"`},
		{all, `{"table_name": "zero"}`, `"distinct_values":2,"min_length":301,"max_length":301`},
		{all, `{"table_name": "zero"}`, `"json_keys":"b number (1)"`},
		{all, `{"table_name": "wide"}`, `"note":"Columns left out,from c50 on:1550. Name them in columns."`},
		{all, `{"table_name": "wide", "columns": ["c1599", "c1", "nope"]}`, `"note":"No such columns:nope."`},
		{all, `{"table_name": "secured"}`, `"note":"Rows that row security hides are not counted."`},
		{some, `{"table_name": "every"}`, `{"items":[{"column_name":"s","type":"text","rows":5,"null_share":0,"distinct_values":1,"min_length":1,"max_length":1,"common_values":"a (5)"},{"note":"Columns that may not be read and are left out:31."}]}`},
	} {
		if got := strings.ReplaceAll(askTool(t, c.r, "profile_table", c.args), ", ", ","); !strings.Contains(strings.ReplaceAll(got, "public.", ""), c.want) {
			t.Errorf("profile_table(%s) = %s\nwant %s in it", c.args, got, c.want)
		}
	}
}

// TestProfileOfDatabaseRole: what a caller's database_role may read is what is profiled, not what the login may.
func TestProfileOfDatabaseRole(t *testing.T) {
	url := pgtest.URL(t)
	reader, _ := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE TABLE people (name text, salary int); INSERT INTO people VALUES ('ann', 4711); CREATE TABLE pay (name text); GRANT SELECT (name) ON people TO `+reader)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	role := underRole(t, "roles:\n  a: {schemas: [public], tables: \"*\", operations: [select], database_role: "+reader+"}\nusers: {_default: a}\n", "ann")
	for args, want := range map[string]string{
		`{"table_name": "people"}`:                        `{"items":[{"column_name":"name","type":"text","rows":1,"null_share":0,"distinct_values":1,"min_length":3,"max_length":3},{"note":"Columns that may not be read and are left out: 1."}]}`,
		`{"table_name": "people", "columns": ["salary"]}`: `"code":"not_found"`,
		`{"table_name": "pay"}`:                           `"code":"not_found"`,
	} {
		if got := answer(t, role, r, "profile_table", args); !strings.Contains(got, want) || strings.Contains(got, "4711") {
			t.Errorf("profile_table(%s) = %s, want %s in it", args, got, want)
		}
	}
}

// TestProfileOfExtensionTypes: texts of citext are read, values of other types of extensions are counted.
func TestProfileOfExtensionTypes(t *testing.T) {
	url := pgtest.URL(t)
	if pgtest.Value(t, url, "SELECT count(*) = 2 FROM pg_available_extensions WHERE name IN ('citext', 'hstore')") != "t" {
		t.Skip("the extensions citext and hstore are not there")
	}
	pgtest.Exec(t, url, `CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE mails (mail ext.citext, more ext.hstore);
		INSERT INTO mails VALUES ('Ann@example.org', 'a=>1'), ('ann@example.org', NULL)`)
	for _, readOnly := range []bool{false, true} {
		r := buildAll(t, registry.Config{DB: openDB(t, url), ReadOnly: readOnly}, nil)
		got := askTool(t, r, "profile_table", `{"table_name": "mails"}`)
		for _, want := range []string{`"distinct_values":2,`, `"spellings":"\"Ann@example.org\" \"ann@example.org\""`, `"null_share":0.5,"note":"Values of this type are not read."`} {
			if !strings.Contains(strings.Replace(got, `\"ann@example.org\" \"Ann@example.org\"`, `\"Ann@example.org\" \"ann@example.org\"`, 1), want) {
				t.Errorf("profile_table(mails), read only %v = %s, want %s in it", readOnly, got, want)
			}
		}
	}
}

// TestProfileOfALargeTable: the rows of a sample are from all over the table, and the answer says that it is one.
func TestProfileOfALargeTable(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE large AS SELECT n AS a, repeat('x', 500) AS b FROM generate_series(1, 20000) AS n; CREATE TABLE narrow AS SELECT n AS a FROM generate_series(1, 2000) AS n; ANALYZE`)
	r := buildAll(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	var profile struct {
		Items []struct {
			Min, Max, Note string
			Rows           int
		}
	}
	if err := json.Unmarshal([]byte(askTool(t, r, "profile_table", `{"table_name": "large", "sample_rows": 1000}`)), &profile); err != nil {
		t.Fatal(err)
	}
	first, last := profile.Items[0], profile.Items[len(profile.Items)-1]
	low, _ := strconv.Atoi(first.Min)
	high, _ := strconv.Atoi(first.Max)
	if first.Rows != 1000 || low > 10000 || high < 10000 || last.Note != "A sample of about 20000 rows." {
		t.Errorf("profile_table(large) = %+v, want 1000 rows from all over the table, and a note", profile)
	}
	if got, want := askTool(t, r, "profile_table", `{"table_name": "narrow", "sample_rows": 100}`), `"note":"The first of about 2000 rows."`; !strings.Contains(got, want) {
		t.Errorf("profile_table(narrow) = %s, want %s in it", got, want)
	}
}
