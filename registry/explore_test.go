package registry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// exploreCase is one entry of testdata/explore/cases.yaml: a call and what it must answer, written by hand.
type exploreCase struct {
	Name            string
	Tool            string
	Args            map[string]any
	Want            any
	Caller          *exploreCaller
	Contains, Lacks []string // parts of the answer, where want can't be exact
	Error           *struct {
		Code               string
		MessageContains    string   `yaml:"message_contains"`
		SuggestionContains []string `yaml:"suggestion_contains"`
		SuggestionLacks    []string `yaml:"suggestion_lacks"`
	}
}

// exploreCaller is what the server would bind to @caller_role, @caller_schemas and @caller_tables.
type exploreCaller struct {
	Role            string
	Schemas, Tables []string
}

func TestExplore(t *testing.T) { runCases(t, "testdata/explore", 60) }

// runCases makes the calls of cases.yaml on the database of fixture.sql.
func runCases(t *testing.T, dir string, least int) {
	url := pgtest.URL(t)
	fixture, err := os.ReadFile(dir + "/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, string(fixture))
	db := openDB(t, url)
	cases := readCases(t, dir+"/cases.yaml")
	if len(cases) < least {
		t.Fatalf("only %d cases", len(cases))
	}
	bound := bindCallers(t, db)
	r := buildAll(t, registry.Config{DB: bound}, nil)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			bound.as(c)
			args, err := json.Marshal(c.Args)
			if err != nil {
				t.Fatal(err)
			}
			answer, isError := call(t, r, c.Tool, string(args))
			if c.Error != nil {
				checkError(t, c, answer, isError)
				return
			}
			checkAnswer(t, c, answer)
		})
	}
}

func checkAnswer(t *testing.T, c exploreCase, answer string) {
	t.Helper()
	for _, part := range c.Contains {
		if !strings.Contains(answer, part) {
			t.Errorf("%s = %s, want %s in it", c.Tool, answer, part)
		}
	}
	for _, part := range c.Lacks {
		if strings.Contains(answer, part) {
			t.Errorf("%s = %s, want no %s in it", c.Tool, answer, part)
		}
	}
	if c.Want == nil {
		if len(c.Contains)+len(c.Lacks) == 0 {
			t.Errorf("%s: nothing is wanted", c.Name)
		}
		return
	}
	want, err := json.Marshal(c.Want)
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := c.Want.(string); ok {
		want = []byte(s)
	}
	if diff := cmp.Diff(decode(t, string(want)), decode(t, answer)); diff != "" {
		t.Errorf("%s(%v) (-want +got):\n%s", c.Tool, c.Args, diff)
	}
}

func readCases(t *testing.T, path string) []exploreCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var cases []exploreCase
	if err := dec.Decode(&cases); err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	return cases
}

func checkError(t *testing.T, c exploreCase, answer string, isError bool) {
	t.Helper()
	var body struct {
		Error struct{ Code, Message, Suggestion string }
	}
	if err := json.Unmarshal([]byte(answer), &body); err != nil || !isError {
		t.Fatalf("answer %s, want an error", answer)
	}
	e := body.Error
	if e.Code != c.Error.Code || !strings.Contains(e.Message, c.Error.MessageContains) {
		t.Errorf("error %s, want code %s and %q", answer, c.Error.Code, c.Error.MessageContains)
	}
	for _, s := range c.Error.SuggestionContains {
		if !strings.Contains(e.Suggestion, s) {
			t.Errorf("suggestion %q, want %q in it", e.Suggestion, s)
		}
	}
	for _, s := range c.Error.SuggestionLacks {
		if strings.Contains(e.Suggestion, s) {
			t.Errorf("suggestion %q, want no %q in it", e.Suggestion, s)
		}
	}
}

// decode reads JSON for a comparison by value.
func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// callerDB binds a caller's role, schemas and tables as the server will for a verified identity.
type callerDB struct {
	registry.Database
	names map[string][]string // what is bound, by statement
	own   map[string][]byte
}

// bindCallers gives a db without a caller; as sets one.
func bindCallers(t *testing.T, db *postgres.DB) *callerDB {
	t.Helper()
	d := &callerDB{Database: db, names: map[string][]string{}}
	text, err := os.ReadFile("resources/names.sql")
	if err != nil {
		t.Fatal(err)
	}
	names, faults := catalog.Parse("names.sql", "", text)
	if faults != nil {
		t.Fatal(faults)
	}
	for _, tool := range append(embeddedTools(t), names) {
		statements := []catalog.Statement{tool.Statement}
		if tool.Page != nil {
			statements = append(statements, tool.Page.First, tool.Page.Next)
		}
		if tool.NotFound != nil {
			statements = append(statements, tool.NotFound.When, tool.NotFound.Suggest)
		}
		for _, st := range statements {
			d.names[st.SQL] = st.Args
		}
	}
	return d
}

func (d *callerDB) as(c exploreCase) {
	d.own = map[string][]byte{}
	if c.Caller == nil {
		return
	}
	d.own["caller_schemas"], d.own["caller_tables"] = arrayLiteral(c.Caller.Schemas), arrayLiteral(c.Caller.Tables)
	if c.Caller.Role != "" {
		d.own["caller_role"] = []byte(c.Caller.Role)
	}
}

// Run implements registry.Database.
func (d *callerDB) Run(ctx context.Context, c postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	c.Args = slices.Clone(c.Args)
	for i, name := range d.names[c.SQL] {
		if v, ok := d.own[name]; ok {
			c.Args[i] = v
		}
	}
	return d.Database.Run(ctx, c, sink)
}

// arrayLiteral writes a text[]; nil is NULL.
func arrayLiteral(items []string) []byte {
	if items == nil {
		return nil
	}
	var quoted []string
	for _, item := range items {
		quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(item)+`"`)
	}
	return []byte("{" + strings.Join(quoted, ",") + "}")
}

func TestIdentity(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''Books''', current_database()); END $$")
	role, roleURL := pgtest.Role(t, url)
	var got struct {
		Database         string
		Comment          string
		CurrentUser      string `json:"current_user"`
		IsSuperuser      bool   `json:"is_superuser"`
		ServerVersion    string `json:"server_version"`
		ServerVersionNum int    `json:"server_version_num"`
		CurrentSchema    string `json:"current_schema"`
		Encoding         string
		Timezone         string
		Extensions       map[string]string
	}
	answer, isError := call(t, build(t, registry.Config{DB: openDB(t, roleURL)}, nil), "db_identity", "{}")
	if err := json.Unmarshal([]byte(answer), &got); err != nil || isError {
		t.Fatalf("db_identity = %s, %v", answer, err)
	}
	version := pgtest.Value(t, url, "SHOW server_version")
	if got.Database != pgtest.Value(t, url, "SELECT current_database()") || got.Comment != "Books" || got.CurrentUser != role || got.IsSuperuser ||
		got.ServerVersion != version || got.ServerVersionNum < 140000 || got.CurrentSchema != "public" || got.Encoding != "UTF8" ||
		got.Timezone != "UTC" || got.Extensions["plpgsql"] == "" || strings.Contains(answer, "assword") {
		t.Errorf("db_identity = %s", answer)
	}
}

// TestMisspeltSchema: where every schema has the table, the nearest schema must come through.
func TestMisspeltSchema(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, "DO $$ BEGIN FOR i IN 1..120 LOOP EXECUTE format('CREATE SCHEMA tenant_%s; CREATE TABLE tenant_%1$s.orders (id int)', i); END LOOP; END $$")
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	for _, tool := range []string{"describe_table", "get_foreign_keys", "find_relationships"} {
		for _, args := range []string{`{"table_name": "orders", "schema": "tenent_55"}`, `{"table_name": "tenent_55.orders"}`} {
			if got, _ := call(t, r, tool, args); !strings.Contains(got, "tenant_55.orders") {
				t.Errorf("%s(%s) = %s, want tenant_55.orders suggested", tool, args, got)
			}
		}
	}
}

func TestImpliedNames(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `
		CREATE TABLE diagnoses (id int PRIMARY KEY); CREATE TABLE indices (id int PRIMARY KEY); CREATE TABLE criteria (id int PRIMARY KEY);
		CREATE TABLE knives (id int PRIMARY KEY); CREATE TABLE wolves (id int PRIMARY KEY); CREATE TABLE vals (id int PRIMARY KEY);
		CREATE TABLE customers (id int PRIMARY KEY);
		CREATE TABLE t (diagnosis_id int, index_id int, criterion_id int, knife_id int, wolf_id int, valid int, customerid int)`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	answer := func(table string) map[string]string {
		var got struct {
			Implied []struct {
				Columns    []string
				Referenced string `json:"referenced_table"`
				Confidence string
			}
		}
		text, _ := call(t, r, "find_relationships", `{"table_name": "`+table+`"}`)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, i := range got.Implied {
			found[i.Columns[0]+" "+i.Referenced] = i.Confidence
		}
		return found
	}
	want := map[string]string{
		"diagnosis_id diagnoses": "strong", "index_id indices": "strong", "criterion_id criteria": "strong", "knife_id knives": "strong",
		"wolf_id wolves": "strong", "valid vals": "possible", "customerid customers": "strong",
	}
	if diff := cmp.Diff(want, answer("t")); diff != "" {
		t.Errorf("implied outgoing (-want +got):\n%s", diff)
	}
	for link, confidence := range want {
		table := link[strings.IndexByte(link, ' ')+1:]
		if got := answer(table)[link]; got != confidence {
			t.Errorf("%s from the side of %s = %q, want %q", link, table, got, confidence)
		}
	}
}

// TestImpliedHabits: keys that are not declared, by the habits that people name columns with. What only looks like one is none.
func TestImpliedHabits(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `
		CREATE SCHEMA music; CREATE SCHEMA staff; CREATE SCHEMA yard;
		-- The name of the table alone.
		CREATE TABLE music.artist (id int PRIMARY KEY, area int, begin_area int, gender int, type int);
		CREATE TABLE music.area (id int PRIMARY KEY); CREATE TABLE music.gender (id int PRIMARY KEY); CREATE TABLE music.release_group (id int PRIMARY KEY);
		CREATE TABLE music.release (id int PRIMARY KEY, release_group int, artist int, year int, status text); CREATE TABLE music.year (id int PRIMARY KEY); CREATE TABLE music.status (id text PRIMARY KEY);
		-- Another row of the own table.
		CREATE TABLE staff.person (id uuid PRIMARY KEY, reports_to uuid, manager_id uuid, parent text); CREATE TABLE staff.post (id bigint PRIMARY KEY, parent int, previous_version_id bigint);
		CREATE TABLE yard.parents (id int PRIMARY KEY); CREATE TABLE yard.child (id int PRIMARY KEY, parent_id int)`)
	r := build(t, registry.Config{DB: openDB(t, url)}, nil)
	var got struct {
		Implied []struct {
			Direction, Schema, Confidence string
			Table                         string `json:"table_name"`
			Columns                       []string
			Referenced                    string `json:"referenced_table"`
		}
	}
	text, _ := call(t, r, "find_relationships", `{"table_name": "music.artist, music.release, staff.person, staff.post, yard.child"}`)
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, i := range got.Implied {
		found[i.Table+"."+i.Columns[0]+" "+i.Referenced] = i.Confidence
	}
	want := map[string]string{
		"artist.area area": "strong", "artist.begin_area area": "likely", "artist.gender gender": "strong", "release.release_group release_group": "strong", "release.artist artist": "strong",
		"person.reports_to person": "likely", "person.manager_id person": "likely", "post.parent post": "likely", "post.previous_version_id post": "likely", "child.parent_id parents": "strong",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("implied (-want +got):\n%s", diff)
	}
}
