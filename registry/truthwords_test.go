package registry_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestEveryWordOfTheTruth: what describe_table says beside what TestWholeTruth has, on every version that knows of it.
func TestEveryWordOfTheTruth(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE TABLE berth (id int PRIMARY KEY, pier int, kind varchar(9), UNIQUE (pier, id));
		CREATE DOMAIN depth AS numeric NOT NULL; ALTER DOMAIN depth ADD CONSTRAINT deep CHECK (VALUE < 99) NOT VALID; CREATE DOMAIN deeper AS depth CHECK (VALUE > 1);
		CREATE TYPE spot AS (lat numeric(9, 6), lon numeric(9, 6));
		CREATE TABLE stay (id int GENERATED ALWAYS AS IDENTITY, berth int, pier int, depth deeper, spots spot[], CONSTRAINT stay_berth FOREIGN KEY (pier, berth) REFERENCES berth (pier, id) ON DELETE SET NULL,
			EXCLUDE USING btree (berth WITH =) WHERE (berth > 0));
		ALTER TABLE stay ADD CONSTRAINT stay_old FOREIGN KEY (berth) REFERENCES berth DEFERRABLE INITIALLY DEFERRED NOT VALID;
		CREATE UNIQUE INDEX partly ON stay (berth) WHERE pier > 0; CREATE UNIQUE INDEX computed ON stay ((pier + 1)); CREATE UNIQUE INDEX wholly ON stay (pier) INCLUDE (berth);
		CREATE RULE silent AS ON INSERT TO stay DO ALSO NOTHING; ALTER TABLE stay DISABLE RULE silent;
		CREATE TABLE tide (at date, berth int REFERENCES berth ON DELETE CASCADE) PARTITION BY RANGE (at); CREATE TABLE tide_1 PARTITION OF tide FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
		CREATE TABLE tide_2 PARTITION OF tide FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY RANGE (berth); CREATE TABLE tide_2a PARTITION OF tide_2 DEFAULT;
		CREATE TABLE zone (id int PRIMARY KEY) PARTITION BY HASH (id); CREATE TABLE zone_0 PARTITION OF zone FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE zone_1 PARTITION OF zone FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		CREATE TABLE buoy (zone int REFERENCES zone);
		CREATE VIEW long_view AS SELECT `+strings.Repeat("'xxxxxxxxxxxxxxxxxxxx' || ", 120)+`'' AS a;
		CREATE MATERIALIZED VIEW sums AS SELECT b.pier, count(*) AS n FROM berth AS b GROUP BY b.pier; COMMENT ON COLUMN berth.pier IS 'North is 1';
		CREATE TABLE guarded (id int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded OWNER TO `+role+`;
		CREATE POLICY few ON guarded AS RESTRICTIVE FOR UPDATE TO `+role+` USING (id = 1) WITH CHECK (id = 2);
		CREATE TABLE forced (id int); ALTER TABLE forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE forced OWNER TO `+role+`; CREATE POLICY seen ON forced FOR SELECT USING (id > 0);
		CREATE TABLE published (id int); CREATE PUBLICATION everything FOR ALL TABLES; CREATE TABLE whole (id int); ALTER TABLE whole REPLICA IDENTITY FULL;
		CREATE TABLE tuned (id int PRIMARY KEY) WITH (fillfactor = 80, autovacuum_enabled = false)`)
	all, login := buildAll(t, registry.Config{DB: openDB(t, url)}, nil), buildAll(t, registry.Config{DB: openDB(t, roleURL)}, nil)
	type word struct {
		r           *registry.Registry
		table, want string
	}
	words := []word{
		{all, "stay", `"name":"depth","type":"deeper","nullable":false,"base_type":"numeric","checks":["CHECK ((VALUE < (99)::numeric)) NOT VALID","CHECK (((VALUE)::numeric > (1)::numeric))"]`},
		{all, "stay", `"name":"spots","type":"spot[]","nullable":true,"fields":{"lat":"numeric(9,6)","lon":"numeric(9,6)"}`},
		{all, "stay", `"identity":"always"`},
		{all, "stay", `"exclusions":[{"name":"stay_berth_excl","definition":"EXCLUDE USING btree (berth WITH =) WHERE ((berth > 0))"}]`},
		{all, "stay", `"referenced_columns":["id"],"on_delete":"NO ACTION","on_update":"NO ACTION","deferrable":"initially deferred","status":"not validated"}`},
		{all, "stay", `"unique_keys":[{"name":"wholly","columns":["pier"]}]`},
		{all, "stay", `DO NOTHING; -- disabled"`},
		{all, "berth", `{"name":"stay_berth","schema":"public","table_name":"stay",`},
		{all, "tide", `"foreign_keys":[{"name":"tide_berth_fkey",`},
		{all, "tide_1", `"foreign_keys":[{"name":"tide_berth_fkey",`},
		{all, "tide_2", `"partition_key":"RANGE (berth)"`},
		{all, "long_view", ` characters more:get_definition)"`},
		{all, "sums", `"kind":"materialized view"`},
		{all, "sums", `"source":"public.berth:North is 1"`},
		{login, "guarded", `"row_security_note":"Row security does not hold for this login, ` + role + `, which owns the table:queries see all rows."`},
		{login, "guarded", `"policies":[{"name":"few","command":"UPDATE","restrictive":true,"roles":["` + role + `"],"using":"(id = 1)","with_check":"(id = 2)"}]`},
		{login, "forced", `"row_security":{"forced":true,"binds_this_login":true,`},
		{login, "forced", `queries see only the rows that the policies allow, and statistics are hidden."`},
		{all, "published", `"replica_identity":"missing:no primary key"`},
		{all, "whole", `"replica_identity":"full"`},
		{all, "tuned", `"options":"fillfactor=80, autovacuum_enabled=false"`},
	}
	version := pgtest.Value(t, url, "SELECT current_setting('server_version_num')::int / 10000")
	if version >= "15" {
		pgtest.Exec(t, url, `CREATE TABLE slot (a int, b int, UNIQUE NULLS NOT DISTINCT (a), CONSTRAINT slot_berth FOREIGN KEY (a, b) REFERENCES berth (pier, id) ON DELETE SET NULL (b))`)
		words = append(words, word{all, "slot", `"columns":["a"],"nulls_not_distinct":true`}, word{all, "slot", `"on_delete":"SET NULL","on_delete_columns":"b"`})
	}
	if version >= "18" {
		pgtest.Exec(t, url, `CREATE TABLE lease (id int4range, valid daterange, n int, twice int GENERATED ALWAYS AS (n * 2) VIRTUAL, UNIQUE (id, valid WITHOUT OVERLAPS),
			CONSTRAINT small CHECK (n < 9) NOT ENFORCED)`)
		words = append(words, word{all, "lease", `"name":"twice","type":"integer","nullable":true,"generated":"virtual","expression":"(n * 2)"`},
			word{all, "lease", `"columns":["id","valid"],"without_overlaps":true`}, word{all, "lease", `{"name":"small","definition":"CHECK ((n < 9)) NOT ENFORCED"}`})
	}
	for _, w := range words {
		got := strings.ReplaceAll(askTool(t, w.r, "describe_table", `{"table_name": "`+w.table+`"}`), "public.spot", "spot")
		if !strings.Contains(strings.NewReplacer(`"type":"public.`, `"type":"`, `fillfactor=80,"`, `fillfactor=80, "`).Replace(got), w.want) {
			t.Errorf("describe_table(%s) = %s\nwant %s in it", w.table, got, w.want)
		}
	}
	// A key of or to a partitioned table is one, wherever keys are told.
	for _, c := range []struct {
		tool, args, key string
		times           int
	}{
		{"describe_table", `{"table_name": "berth"}`, `"tide_berth_fkey"`, 1}, {"get_foreign_keys", `{"table_name": "berth"}`, `"tide_berth_fkey"`, 1},
		{"describe_table", `{"table_name": "tide"}`, `"tide_berth_fkey"`, 1}, {"get_foreign_keys", `{"table_name": "tide"}`, `"tide_berth_fkey"`, 1},
		{"describe_table", `{"table_name": "zone"}`, `"buoy_zone_fkey"`, 1}, {"get_foreign_keys", `{"table_name": "zone"}`, `"buoy_zone_fkey"`, 1},
		{"describe_table", `{"table_name": "buoy"}`, `"buoy_zone_fkey`, 1}, {"get_foreign_keys", `{"table_name": "buoy"}`, `"buoy_zone_fkey`, 1},
		{"get_dependent_rows", `{"table_name": "zone"}`, `"table_name":"public.buoy"`, 1}, {"get_dependent_rows", `{"table_name": "berth"}`, `"table_name":"public.tide`, 1},
		{"describe_database", `{}`, "-> zone.id", 1}, {"describe_database", `{}`, "-> berth.id CASCADE", 1}, {"missing_fk_indexes", `{}`, `"buoy"`, 1},
	} {
		if got := askTool(t, all, c.tool, c.args); strings.Count(got, c.key) != c.times {
			t.Errorf("%s(%s) = %s\nwant %s in it %d times", c.tool, c.args, got, c.key, c.times)
		}
	}
}

// TestValuesOfStatistics: the values that describe_table shows without reading the table are those that are in it.
func TestValuesOfStatistics(t *testing.T) {
	url := pgtest.URL(t)
	role, roleURL := pgtest.Role(t, url)
	pgtest.Exec(t, url, `CREATE TABLE cargo (id int PRIMARY KEY, unit text, grade int, ratio int, rare text, weight numeric, temperature float8, loaded timestamp, day date, note text, nothing text, lot int, flag boolean);
		INSERT INTO cargo SELECT g, (ARRAY['t', 'kg', 'lb '])[1 + g % 3], g % 4, g % 100, CASE WHEN g > 998 THEN 'once ' || g ELSE 'often' END, g - 500.5, g / 10.0 - 30, '2024-01-01'::timestamp + g * interval '1 day', '0044-03-15 BC'::date + g,
			CASE WHEN g % 4 = 0 THEN 'a' || g END, NULL, g % 333, g % 2 = 0 FROM generate_series(1, 1000) AS g;
		CREATE TABLE heads (id int, kind text) PARTITION BY RANGE (id); CREATE TABLE heads_1 PARTITION OF heads FOR VALUES FROM (0) TO (1000); INSERT INTO heads SELECT g, 'k' || g % 2 FROM generate_series(1, 200) AS g;
		CREATE TABLE mother (kind text); CREATE TABLE child () INHERITS (mother); INSERT INTO mother SELECT 'm' FROM generate_series(1, 100); INSERT INTO child SELECT 'c' FROM generate_series(1, 100);
		CREATE TABLE hidden (kind text); INSERT INTO hidden SELECT 'h' FROM generate_series(1, 100); ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden USING (true);
		CREATE VIEW of_cargo AS SELECT * FROM cargo; ANALYZE; GRANT SELECT (id, unit, note) ON cargo TO `+role+`; GRANT SELECT ON hidden TO `+role)
	all := buildAll(t, registry.Config{DB: openDB(t, url)}, nil)
	db := bindCallers(t, openDB(t, roleURL))
	login := buildAll(t, registry.Config{DB: db}, nil)
	for _, c := range []struct {
		r                  *registry.Registry
		table, want, lacks string
		caller             exploreCase
	}{
		{all, "cargo", `"name":"unit","type":"text","nullable":true,"values":["kg","lb ","t"]`, "", exploreCase{}},
		{all, "cargo", `"name":"grade","type":"integer","nullable":true,"values":["0","1","2","3"]`, "", exploreCase{}},
		{all, "cargo", `"name":"ratio","type":"integer","nullable":true,"distinct":100,"range":["0","99"]`, "", exploreCase{}},
		{all, "cargo", `"name":"rare","type":"text","nullable":true,"values":["often","once 1000","once 999"]`, "", exploreCase{}},
		{all, "cargo", `"name":"weight","type":"numeric","nullable":true,"range":["-499.5","499.5"]`, "", exploreCase{}},
		{all, "cargo", `"name":"temperature","type":"double precision","nullable":true,"range":["-29.9","70"]`, "", exploreCase{}},
		{all, "cargo", `"range":["2024-01-02 00:00:00","2026-09-27 00:00:00"]`, "", exploreCase{}},
		{all, "cargo", `"name":"day","type":"date","nullable":true,"range":["` + pgtest.Value(t, url, "SELECT min(day)::text FROM cargo") + `","` + pgtest.Value(t, url, "SELECT max(day)::text FROM cargo") + `"]`, "", exploreCase{}},
		{all, "cargo", `"name":"note","type":"text","nullable":true,"distinct":250,"null_percent":75`, "", exploreCase{}},
		{all, "cargo", `"name":"nothing","type":"text","nullable":true,"null_percent":100`, "", exploreCase{}},
		{all, "cargo", `"name":"lot","type":"integer","nullable":true,"distinct":333,"range":["0","332"]`, "", exploreCase{}},
		{all, "heads", `"name":"kind","type":"text","nullable":true,"values":["k0","k1"]`, "", exploreCase{}},
		{all, "mother", `"values":["c","m"]`, "", exploreCase{}},
		{all, "child", `"values":["c"]`, "", exploreCase{}},
		{all, "of_cargo", `"kind":"view"`, "lb ", exploreCase{}},
		{all, "hidden", `"values":["h"]`, "", exploreCase{}},
		{login, "cargo", `"values":["kg","lb ","t"]`, `"0","1"`, exploreCase{}},
		{login, "cargo", `"null_percent":75`, `null_percent":100`, exploreCase{}},
		{login, "hidden", `and statistics are hidden.`, `"h"`, exploreCase{}},
		{login, "cargo", `"name":"unit"`, `"kg"`, callerCase("clerk", "public")},
		{login, "cargo", `"name":"lot"`, `distinct`, callerCase("clerk", "public")},
	} {
		db.as(c.caller)
		if got := askTool(t, c.r, "describe_table", `{"table_name": "`+c.table+`"}`); !strings.Contains(got, c.want) || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("describe_table(%s) for %+v = %s\nwant %s in it, and no %s", c.table, c.caller.Caller, got, c.want, c.lacks)
		}
	}
}
