package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestKeysThatAreNotTrue: a key that PostgreSQL does not vouch for is not told as one that it does.
func TestKeysThatAreNotTrue(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE TABLE ref (id int PRIMARY KEY); CREATE TABLE old (r int); INSERT INTO old VALUES (9);
		ALTER TABLE old ADD CONSTRAINT old_ref FOREIGN KEY (r) REFERENCES ref NOT VALID`)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for tool, want := range map[string]string{
		"describe_table": `"on_update":"NO ACTION","status":"not validated"`, "get_foreign_keys": `"status":"not validated"`, "find_relationships": `"status":"not validated"`,
	} {
		if got := askTool(t, r, tool, `{"table_name": "old"}`); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s in it", tool, got, want)
		}
	}
}

// askTool is call without a place in the answer for spaces.
func askTool(t *testing.T, r *registry.Registry, tool, args string) string {
	t.Helper()
	got, isError := call(t, r, tool, args)
	if isError {
		t.Errorf("%s(%s) = %s", tool, args, got)
	}
	return strings.NewReplacer(`" : `, `":`, `, "`, `,"`, `: `, `:`).Replace(got)
}

// TestKeysOfVersion18: periods, NOT NULL that is not validated, and keys that are not enforced.
func TestKeysOfVersion18(t *testing.T) {
	url := pgtest.URL(t)
	if pgtest.Value(t, url, "SELECT current_setting('server_version_num')::int >= 180000") != "t" {
		t.Skip("such keys came with PostgreSQL 18")
	}
	pgtest.Exec(t, url, `CREATE TABLE room (id int4range, valid daterange, CONSTRAINT room_pk PRIMARY KEY (id, valid WITHOUT OVERLAPS));
		CREATE TABLE booking (room int4range, during daterange, CONSTRAINT booking_room FOREIGN KEY (room, PERIOD during) REFERENCES room (id, PERIOD valid));
		CREATE TABLE ref (id int PRIMARY KEY); CREATE TABLE loose (r int, a int); INSERT INTO loose VALUES (9, NULL);
		ALTER TABLE loose ADD CONSTRAINT loose_ref FOREIGN KEY (r) REFERENCES ref NOT ENFORCED; ALTER TABLE loose ADD CONSTRAINT loose_a NOT NULL a NOT VALID`)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct{ tool, args, want string }{
		{"describe_table", `{"table_name": "room"}`, `"primary_key":{"name":"room_pk","columns":["id","valid"],"without_overlaps":true}`},
		{"describe_table", `{"table_name": "booking"}`, `"period":true`},
		{"get_foreign_keys", `{"table_name": "booking"}`, `"period":true`},
		{"find_relationships", `{"table_name": "booking"}`, `"period":true`},
		{"list_indexes", `{"table_name": "room"}`, `"is_primary":true,"without_overlaps":true`},
		{"missing_fk_indexes", `{}`, `"columns":["room"],"referenced_schema":"public","referenced_table":"room","suggestion":"CREATE INDEX ON public.booking (room)"`},
		{"describe_table", `{"table_name": "loose"}`, `{"name":"a","type":"integer","nullable":true,"not_null":"not validated"}`},
		{"describe_table", `{"table_name": "loose"}`, `"status":"not enforced"`},
	} {
		if got := askTool(t, r, c.tool, c.args); !strings.Contains(got, c.want) || strings.Contains(got, `"is_unique"`) || c.tool == "missing_fk_indexes" && strings.Contains(got, "loose") {
			t.Errorf("%s(%s) = %s, want %s in it", c.tool, c.args, got, c.want)
		}
	}
	got := ask(t, r, "resources/read", `{"uri": "schema://public"}`)
	for _, want := range []string{`TABLE booking\n  room int4range, during daterange, FK (room, PERIOD during) -\u003e room(id, PERIOD valid)`,
		"PK (id, valid WITHOUT OVERLAPS)", `TABLE loose\n  r int -\u003e ref.id NOT ENFORCED, a int\n`} {
		if !strings.Contains(got, want) {
			t.Errorf("schema:// = %s, want %s in it", got, want)
		}
	}
}

// TestRowsAndColumnsThatAreNotSeen: what a login may not see is said, so that an empty answer is not taken for an empty table.
func TestRowsAndColumnsThatAreNotSeen(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE TABLE notes (id int, owner text); ALTER TABLE notes ENABLE ROW LEVEL SECURITY; INSERT INTO notes VALUES (1, 'ann');
		CREATE TABLE bills (id int); ALTER TABLE bills ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON bills FOR SELECT TO `+role+` USING (id = 1);
		CREATE TABLE staff (id int, full_name text, salary int, ssn text); CREATE TABLE closed (id int); CREATE VIEW public."odd view" AS SELECT 1 AS a, 2 AS b;
		GRANT SELECT ON notes, bills TO `+role+`; GRANT SELECT (id, full_name) ON staff TO `+role+`; GRANT SELECT (b) ON "odd view" TO `+role)
	plain, super := buildAll(t, registry.Config{DB: openDB(t, roleURL)}, nil), buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct {
		r                  *registry.Registry
		table, want, lacks string
	}{
		{plain, "notes", `"row_security":{"binds_this_login":true,"policies":[]}`, "readable"},
		{super, "notes", `"row_security":{"binds_this_login":false,"policies":[]}`, "readable"},
		{plain, "bills", `"row_security":{"binds_this_login":true,"policies":[{"name":"own","command":"SELECT","roles":["` + role + `"],"using":"(id = 1)"}]}`, "readable"},
		{plain, "staff", `{"name":"salary","type":"integer","nullable":true,"readable":false},{"name":"ssn","type":"text","nullable":true,"readable":false}]`, "row_security"},
		{plain, "staff", `{"name":"id","type":"integer","nullable":true},{"name":"full_name"`, "row_security"},
		{super, "staff", `"columns":`, "readable"},
		{plain, "closed", `"kind":"table","readable":false,`, `"nullable":true,"readable"`},
	} {
		if got := askTool(t, c.r, "describe_table", `{"table_name": "`+c.table+`"}`); !strings.Contains(got, c.want) || strings.Contains(got, c.lacks) {
			t.Errorf("describe_table(%s) = %s, want %s in it, and no %s", c.table, got, c.want, c.lacks)
		}
	}
}

// TestRightsOfACallerAreNotTold: a caller's queries may run with another database role than the login that describes the table.
func TestRightsOfACallerAreNotTold(t *testing.T) {
	url := pgtest.URL(t)
	_, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE TABLE notes (id int); ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE TABLE secrets (id int);
		CREATE POLICY own ON notes USING (id IN (SELECT s.id FROM secrets AS s))`)
	db := bindCallers(t, openDB(t, roleURL))
	r := buildAll(t, registry.Config{DB: db}, nil)
	db.as(callerCase("clerk", "public"))
	got := askTool(t, r, "describe_table", `{"table_name": "notes"}`)
	if !strings.Contains(got, `"row_security":{"policies":[{"name":"own","command":"ALL"}]}`) || strings.Contains(got, "readable") || strings.Contains(got, "secrets") {
		t.Errorf("describe_table for a caller = %s", got)
	}
}

// TestReadableColumns: where some columns may be read, the error of a query names them, and table:// shows them.
func TestReadableColumns(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE SCHEMA hr; CREATE TABLE hr.staff (id int, "full name" text, salary int); INSERT INTO hr.staff VALUES (1, 'Ann', 9);
		CREATE TABLE hr.closed (id int); GRANT USAGE ON SCHEMA hr TO `+role+`; GRANT SELECT (id, "full name") ON hr.staff TO `+role)
	for _, readOnly := range []bool{false, true} {
		r := build(t, registry.Config{DB: openDB(t, roleURL), ReadOnly: readOnly}, nil)
		got, isError := call(t, r, "query", `{"sql": "SELECT * FROM hr.staff"}`)
		if want := `of hr.staff only these columns may be read: id, `; !isError || !strings.Contains(got, want) || strings.Contains(got, "salary") {
			t.Errorf("query = %s, want %s in it", got, want)
		}
		if got, _ := call(t, r, "query", `{"sql": "SELECT * FROM hr.closed"}`); strings.Contains(got, "may be read") {
			t.Errorf("query of a closed table = %s", got)
		}
		if got := ask(t, r, "resources/read", `{"uri": "table://hr/staff"}`); !strings.Contains(got, `{\"id\":1,\"full name\":\"Ann\"}`) {
			t.Errorf("table:// = %s", got)
		}
		if got := ask(t, r, "resources/read", `{"uri": "table://hr/closed"}`); !strings.Contains(got, "permission denied") {
			t.Errorf("table:// of a closed table = %s", got)
		}
	}
}

// TestManyChildren: the children of a table that has many are told as a number and some names, and the table is found before them.
func TestManyChildren(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA a_chunks; CREATE TABLE readings (sensor int, temperature float); CREATE TABLE few (x int); CREATE TABLE few_1 () INHERITS (few);
		DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE a_chunks.readings_%s () INHERITS (public.readings)', to_char(i, 'FM000')); END LOOP; END $$`)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	got := askTool(t, r, "describe_table", `{"table_name": "readings"}`)
	if n := strings.Count(got, `"table_name":"readings_`); n != 10 || !strings.Contains(got, `"child_count":300`) {
		t.Errorf("describe_table names %d children: %s", n, got)
	}
	if got := askTool(t, r, "describe_table", `{"table_name": "few"}`); !strings.Contains(got, `"inherited_by":[{"schema":"public","table_name":"few_1"}]`) || strings.Contains(got, "child_count") {
		t.Errorf("describe_table of few children = %s", got)
	}
	if got := askTool(t, r, "search_objects", `{"pattern": "temperature", "detail": "names"}`); got != `{"items":[{"rank":2,"kind":"column","name":"public.readings.temperature"}]}` {
		t.Errorf("search_objects = %s", got)
	}
	if got := askTool(t, r, "search_objects", `{"pattern": "few_1", "kinds": ["table"], "detail": "names"}`); !strings.Contains(got, "public.few_1") {
		t.Errorf("search_objects of few children = %s", got)
	}
	if got := askTool(t, r, "search_objects", `{"pattern": "readings_007", "schema": "a_chunks", "kinds": ["table"], "detail": "names"}`); !strings.Contains(got, "a_chunks.readings_007") {
		t.Errorf("search_objects in the schema of the children = %s", got)
	}
}
