package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// truthFixture has one of each thing that a correct query or change must know of.
const truthFixture = `
CREATE SCHEMA yard;
COMMENT ON SCHEMA yard IS 'Boats and their berths';
CREATE TYPE yard.place AS (pier text, number int);
CREATE DOMAIN yard.knots AS numeric CHECK (VALUE >= 0);
CREATE TYPE yard.state AS ENUM ('afloat', 'ashore');
CREATE TABLE yard.boat (
  id int PRIMARY KEY, name text COLLATE "C" NOT NULL, speed yard.knots, place yard.place, state yard.state NOT NULL, code text, area int, length numeric, beam numeric,
  surface numeric GENERATED ALWAYS AS (length * beam) STORED, report text, UNIQUE (code, area), UNIQUE (code, id) DEFERRABLE INITIALLY DEFERRED
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX boat_name ON yard.boat (name);
CREATE UNLOGGED TABLE yard.trip (boat int, code text, area int, day text, note text,
  CONSTRAINT trip_boat FOREIGN KEY (boat) REFERENCES yard.boat DEFERRABLE,
  CONSTRAINT trip_code FOREIGN KEY (code, area) REFERENCES yard.boat (code, area) MATCH FULL);
ALTER TABLE yard.trip ADD CONSTRAINT trip_day CHECK (day <> '') NOT VALID;
COMMENT ON COLUMN yard.boat.speed IS 'At most';
CREATE FUNCTION yard.stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamped BEFORE INSERT OR UPDATE OF name, code ON yard.boat FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION yard.stamp();
CREATE TRIGGER off AFTER DELETE ON yard.boat EXECUTE FUNCTION yard.stamp();
ALTER TABLE yard.boat DISABLE TRIGGER off;
CREATE RULE kept AS ON DELETE TO yard.trip DO INSTEAD NOTHING;
CREATE VIEW yard.fast WITH (security_barrier) AS SELECT b.id, b.speed, b.name AS title FROM yard.boat AS b WHERE b.speed > 10;
CREATE TABLE yard.log (boat int REFERENCES yard.boat ON DELETE CASCADE, at date) PARTITION BY RANGE (at);
CREATE TABLE yard.log_1 PARTITION OF yard.log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE yard.old_log (boat int) ; CREATE TABLE yard.older_log () INHERITS (yard.old_log);
CREATE TABLE yard.own (id int); ALTER TABLE yard.own ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY mine ON yard.own USING (id = 1);
CREATE TABLE yard.meant (id int); CREATE POLICY later ON yard.meant USING (true);
ALTER TABLE yard.meant REPLICA IDENTITY NOTHING;
INSERT INTO yard.boat (id, name, speed, place, state, code, area, length, beam, report) SELECT g, 'b' || g, 5, ROW('A', g)::yard.place, 'afloat'::yard.state, 'c' || g % 3 || CASE g % 3 WHEN 0 THEN ' ' ELSE '' END, g, g, 2, repeat('x', 900)
  FROM generate_series(1, 300) AS g;
INSERT INTO yard.trip SELECT g, NULL, NULL, CASE WHEN g % 2 = 0 THEN '2024-01-0' || g % 9 ELSE '0' || g % 9 || '.01.24' END, CASE WHEN g % 4 = 0 THEN 'x' END
  FROM generate_series(1, 200) AS g;
ANALYZE;`

// TestWholeTruth: describe_table and the map say what a query or a change must know, and leave out what is empty.
func TestWholeTruth(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, truthFixture)
	r := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct{ table, want string }{
		{"boat", `"triggers":[{"name":"off","when":"AFTER DELETE FOR EACH STATEMENT","function":"yard.stamp","enabled":"never"},` +
			`{"name":"stamped","when":"BEFORE INSERT OR UPDATE OF name, code FOR EACH ROW","condition":"(new.id > 0)","function":"yard.stamp"}]`},
		{"boat", `"collation":"C"`},
		{"boat", `"base_type":"numeric","checks":["CHECK ((VALUE >= (0)::numeric))"],"comment":"At most"`},
		{"boat", `"fields":{"pier":"text","number":"integer"}`},
		{"boat", `"generated":"stored","expression":"(length * beam)"`},
		{"boat", `{"name":"boat_code_id_key","columns":["code","id"],"deferrable":"initially deferred"}`},
		{"boat", `{"name":"boat_name","columns":["name"]}`},
		{"boat", `"options":"fillfactor=70"`},
		{"boat", `"name":"code","type":"text","nullable":true,"values":["c0 ","c1","c2"]`},
		{"boat", `"name":"area","type":"integer","nullable":true,"range":["1","300"]`},
		{"boat", `"average_bytes":9`},
		{"trip", `"match":"FULL"`},
		{"trip", `"deferrable":"initially immediate"`},
		{"trip", `CHECK ((day <> ''::text)) NOT VALID`},
		{"trip", `"rules":"CREATE RULE kept AS\n    ON DELETE TO yard.trip DO INSTEAD NOTHING;"`},
		{"trip", `"options":"unlogged"`},
		{"trip", `"null_percent":75`},
		{"fast", `"definition":" SELECT id,`},
		{"fast", `"source":"yard.boat:At most"`},
		{"fast", `"options":"security_barrier=true"`},
		{"own", `"row_security":{"forced":true,"binds_this_login":false,"policies":[{"name":"mine","command":"ALL","using":"(id = 1)"}]},` +
			`"row_security_note":"Row security does not hold for this login, postgres, which is a superuser:queries see all rows."`},
		{"meant", `"row_security_note":"The policies are not in force:row security is not enabled."`},
		{"meant", `"replica_identity":"nothing"`},
	} {
		got := strings.ReplaceAll(askTool(t, r, "describe_table", `{"table_name": "yard.`+c.table+`"}`), "b.id,", "id,")
		if !strings.Contains(got, c.want) {
			t.Errorf("describe_table(%s) = %s, want %s in it", c.table, got, c.want)
		}
	}
	if got := askTool(t, r, "describe_table", `{"table_name": "yard.old_log"}`); strings.Contains(got, "trigger") || strings.Contains(got, "privileges") || strings.Contains(got, "tables") {
		t.Errorf("describe_table(old_log) = %s, want nothing that is empty", got)
	}
	got, _ := call(t, r, "describe_database", `{}`)
	for _, want := range []string{
		"\nSCHEMA yard, 7 tables: Boats and their berths\n",
		"\nTABLE boat ~300\n  id int PK, name text! UNIQUE, speed yard.knots (At most), place yard.place, state yard.state{afloat|ashore}!, code text ~{'c0 '|c1|c2}, area int,",
		"surface numeric GENERATED, report text ~{904 bytes}", ", UNIQUE (code, area), UNIQUE (code, id)\n",
		"\nTABLE trip ~200\n  boat int -> boat.id, code text ~{100% null}, area int ~{100% null}, day text ~{'99.99.99'|'9999-99-99'}, note text ~{x, 75% null}, FK (code, area) -> boat(code, area)",
		"\nTABLE log ~0 [partitioned by RANGE (at), 1 part]\n  boat int -> boat.id CASCADE", "\nTABLE old_log ~0 [1 part]\n", "\nTABLE own ~0 [row security]\n", "\nVIEW fast\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("describe_database = %s\nwant %s in it", got, want)
		}
	}
	if strings.Contains(got, "log_1") || strings.Contains(got, "older_log") {
		t.Errorf("describe_database = %s\nwant no partition and no child", got)
	}
}

// TestMapOfALogin: what a login may not read is said, and statistics show no value of it.
func TestMapOfALogin(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, truthFixture+`; GRANT USAGE ON SCHEMA yard TO `+role+`; GRANT SELECT (id, code) ON yard.boat TO `+role+`; GRANT INSERT ON yard.boat TO `+role+`;
		GRANT SELECT ON yard.own, yard.fast TO `+role+`; ALTER TABLE yard.trip ENABLE ROW LEVEL SECURITY; GRANT SELECT ON yard.trip TO `+role)
	db := bindCallers(t, openDB(t, roleURL))
	r := buildAll(t, registry.Config{DB: db}, nil)
	for _, c := range []struct {
		tool, args, want, lacks string
		caller                  exploreCase
	}{
		{"describe_table", `{"table_name": "yard.boat"}`, `"privileges":"SELECT (some columns), INSERT"`, `"904"`, exploreCase{}},
		{"describe_table", `{"table_name": "yard.boat"}`, `"name":"area","type":"integer","nullable":true,"readable":false}`, "average_bytes", exploreCase{}},
		{"describe_table", `{"table_name": "yard.trip"}`, `and there is no policy:queries see no row.`, "null_percent", exploreCase{}},
		{"describe_table", `{"table_name": "yard.old_log"}`, `"readable":false,"privileges":"none"`, "", exploreCase{}},
		{"describe_table", `{"table_name": "yard.boat"}`, `"name":"code","type":"text","nullable":true,"values":["c0 ","c1","c2"]`, "", exploreCase{}},
		{"describe_table", `{"table_name": "yard.boat"}`, `"name":"code"`, "c1", callerCase("clerk", "yard")},
		{"describe_table", `{"table_name": "yard.fast"}`, `"name":"title"`, "definition", callerCase("clerk", "yard")},
		{"describe_database", `{}`, "code text ~{'c0 '|c1|c2}", "UNKNOWN", exploreCase{}},
		{"describe_database", `{}`, "area int (no SELECT)", "x%", exploreCase{}},
		{"describe_database", `{}`, "TABLE old_log ~0 [1 part, no SELECT]", "75% null", exploreCase{}},
		{"describe_database", `{}`, "code text,", "c1", callerCase("clerk", "yard")},
		{"describe_database", `{}`, "Database ", "boat", callerCase("clerk", "elsewhere")},
		{"describe_database", `{"name_pattern": "nothing%"}`, "There is no such table or view; search_objects", "boat", exploreCase{}},
		{"describe_database", `{"schema": "yard"}`, `not_found`, "boat", callerCase("clerk", "elsewhere")},
		{"describe_database", `{}`, "SCHEMA yard, 1 table", "TABLE boat", exploreCase{Caller: &exploreCaller{Role: "clerk", Schemas: []string{"yard"}, Tables: []string{"yard.trip"}}}},
	} {
		db.as(c.caller)
		got, _ := call(t, r, c.tool, c.args)
		if c.tool == "describe_table" {
			got = strings.NewReplacer(`" : `, `":`, `, "`, `,"`, `: `, `:`).Replace(got)
		} else {
			got = strings.Replace(got, "{a|b}", "", 1)
		}
		if !strings.Contains(got, c.want) || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("%s(%s) for %+v = %s\nwant %s and no %s in it", c.tool, c.args, c.caller.Caller, got, c.want, c.lacks)
		}
	}
}

// TestSeveralNames: names come in any form that a model writes them in, and a wrong one does not spoil the others.
func TestSeveralNames(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA yard; CREATE TABLE yard.boat (id int PRIMARY KEY); CREATE TABLE yard."Odd, name" (boat_id int REFERENCES yard.boat); CREATE TABLE public.buoy (id int)`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, c := range []struct{ args, want string }{
		{`{"table_name": "yard.boat, buoy"}`, `boat buoy`},
		{`{"table_name": "buoy,yard.boat,"}`, `buoy boat`},
		{`{"table_name": ["yard.boat", "buoy"]}`, `boat buoy`},
		{`{"table_name": "[\"yard.boat\", \"buoy\"]"}`, `boat buoy`},
		{`{"table_name": "yard.\"Odd, name\", \"buoy\", \"yard\".\"boat\""}`, `Odd, name buoy boat`},
		{`{"table_name": "boat, \"Odd, name\"", "schema": "yard"}`, `boat Odd, name`},
		{`{"table_name": "Odd, name", "schema": "yard"}`, `Odd, name`},
		{`{"table_name": "yard.boat, yard.boat, buoy"}`, `boat buoy`},
		{`{"table_name": "yard.boat, yard.bots, buoy"}`, `boat yard.bots buoy: There is no table or view of this name here. Did you mean yard.boat?`},
	} {
		var names []string
		body, isError := call(t, r, "describe_table", c.args)
		answer, _ := decode(t, body).(map[string]any)
		list, several := answer["tables"].([]any)
		if !several {
			list = []any{answer}
		}
		errors := ""
		for _, one := range list {
			table, _ := one.(map[string]any)
			name, _ := table["table_name"].(string)
			names = append(names, name)
			if text, ok := table["error"].(string); ok {
				errors = ": " + text
			}
		}
		if got := strings.Join(names, " ") + errors; got != c.want || isError {
			t.Errorf("describe_table(%s) = %s, want %s", c.args, body, c.want)
		}
	}
	many := strings.Repeat("buoy, ", 20) + "yard.boat"
	if got := askTool(t, r, "get_foreign_keys", `{"table_name": "`+many+`"}`); !strings.Contains(got, "At most 20 names are taken in one call.") {
		t.Errorf("get_foreign_keys of 21 names = %s", got)
	}
	if got := askTool(t, r, "get_foreign_keys", `{"table_name": "yard.boat, yard.\"Odd, name\""}`); strings.Count(got, `"name":`) != 1 {
		t.Errorf("get_foreign_keys of both ends = %s, want the key once", got)
	}
}
