package registry_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

const notesFixture = permissionFixture + `;
CREATE TYPE shop.state AS ENUM ('P', 'S');
ALTER TABLE shop.item ADD state shop.state, ADD "Odd name" text;
CREATE VIEW shop.items AS SELECT id, state FROM shop.item;
CREATE FUNCTION shop.refund(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON TABLE shop.item IS 'What we sell.'; COMMENT ON COLUMN shop.item.state IS 'One letter.'`

const notesFile = `
shop: The web shop
shop.item: Sold since 2019
shop.item.state: P paid, S shipped
shop.item."Odd name": Legacy
shop.items: Only a view
shop.other: Nobody uses it
shop.state: Set by the warehouse
shop.refund(): Pays back
billing: Money
billing.invoice: Sent by post
billing.hidden: Bribes
secret.plan: Secret plan
`

func loadNotes(t *testing.T, text string) catalog.Notes {
	t.Helper()
	notes, _, err := catalog.LoadNotes([]catalog.Source{{FS: fstest.MapFS{"notes/a.yaml": &fstest.MapFile{Data: []byte(text)}}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return notes[""]
}

// notesTools is a tool of an operator that shows all notes that it gets.
var notesTools = map[string]string{"x/known.sql": "/*---\ndescription: Notes.\ntrust: owner\nresult: value\n---*/\nSELECT @notes AS known"}

func TestNotes(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, notesFixture)
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Notes: loadNotes(t, notesFile)}, notesTools, allSets...)
	for _, test := range []struct{ tool, args, want string }{
		{"list_schemas", `{"name_pattern": "shop"}`, `"comment":"The web shop"`},
		{"list_tables", `{"schema": "shop"}`, `"comment":"What we sell. | Sold since 2019"`},
		{"describe_table", `{"table_name": "shop.item"}`, `"comment":"What we sell. | Sold since 2019"`},
		{"describe_table", `{"table_name": "shop.item"}`, `"comment":"One letter. | P paid, S shipped"`},
		{"describe_table", `{"table_name": "shop.item"}`, `"comment":"Legacy"`},
		{"describe_table", `{"table_name": "shop.items"}`, `"source":"shop.item: One letter. | P paid, S shipped"`},
		{"describe_database", `{}`, "SCHEMA shop, 3 tables: The web shop\n"},
		{"describe_database", `{}`, "TABLE item: What we sell. | Sold since 2019\n"},
		{"describe_database", `{}`, "state shop.state{P|S} (One letter. | P paid, S shipped), \"Odd name\" text (Legacy)"},
		{"search_objects", `{"pattern": "shipped letter"}`, `"name":"shop.item.state","type":"shop.state","comment":"One letter. | P paid, S shipped"`},
		{"search_objects", `{"pattern": "legacy"}`, `"name":"shop.item.\"Odd name\""`},
		{"search_objects", `{"pattern": "pays"}`, `"name":"shop.refund(integer)","type":"returns integer","comment":"Pays back"`},
		{"search_objects", `{"pattern": "nobody"}`, `"kind":"table","name":"shop.other"`},
		{"list_enums", `{}`, `"comment":"Set by the warehouse"`},
		{"list_functions", `{"schema": "shop"}`, `"comment":"Pays back"`},
		{"get_definition", `{"name": "items"}`, `"comment":"Only a view"`},
		{"known", `{}`, `"secret.plan"`},
	} {
		got := answer(t, t.Context(), r, test.tool, test.args)
		if !strings.Contains(strings.NewReplacer(`" : `, `":`, `, "`, `,"`, `: "`, `:"`).Replace(got), strings.NewReplacer(`, "`, `,"`, `: "`, `:"`).Replace(test.want)) {
			t.Errorf("%s %s = %s, want %s in it", test.tool, test.args, got, test.want)
		}
	}
	if got := ask(t, r, "resources/read", `{"uri": "schema://shop"}`); !strings.Contains(got, `What we sell. | Sold since 2019`) {
		t.Errorf("schema:// = %s, want the notes", got)
	}
	if got := ask(t, r, "resources/list", `{}`); !strings.Contains(got, `"description":"The web shop"`) {
		t.Errorf("resources/list = %s, want the note on the schema", got)
	}
	if err := r.Replace(registry.Set{Notes: loadNotes(t, "shop: Another text")}); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, r, "resources/list", `{}`); !strings.Contains(got, `"description":"Another text"`) {
		t.Errorf("resources/list = %s, want the new note", got)
	}
}

// TestNotesOfACaller: a role is told the notes on what it may see, by the server's tools and by those of operators.
func TestNotesOfACaller(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, notesFixture)
	rules := strings.NewReplacer(`tools: [list_tables, "toolset:x"]`, `tools: "*"`, `limits: {rows: 3, timeout: 1s}`, `tools: "*"`).Replace(permissions)
	r := buildSet(t, registry.Config{DB: openDB(t, url)}, registry.Set{Notes: loadNotes(t, notesFile)}, notesTools, allSets...)
	all := []string{"The web shop", "Sold since 2019", "P paid", "Legacy", "Only a view", "Nobody uses it", "Set by the warehouse", "Pays back", "Money", "Sent by post", "Bribes", "Secret plan"}
	const shop, item = "The web shop, Sold since 2019, P paid, Legacy", "Sold since 2019, P paid, Legacy"
	for _, test := range []struct{ sub, tool, args, want string }{
		{"ann", "known", `{}`, shop + ", Only a view, Nobody uses it, Set by the warehouse, Pays back"},
		{"cem", "known", `{}`, shop + ", Money, Sent by post"},
		{"eve", "known", `{}`, ""},
		{"ann", "describe_database", `{}`, shop + ", Only a view, Nobody uses it"},
		{"cem", "describe_database", `{}`, shop + ", Money, Sent by post"},
		{"cem", "list_schemas", `{}`, "The web shop, Money"},
		{"cem", "list_tables", `{"schema": "billing"}`, "Sent by post"},
		{"cem", "describe_table", `{"table_name": "shop.item"}`, item},
		{"ann", "search_objects", `{"pattern": "post"}`, ""},
		{"ann", "search_objects", `{"pattern": "bribes"}`, ""},
		{"cem", "search_objects", `{"pattern": "post"}`, "Sent by post"},
		{"cem", "search_objects", `{"pattern": "bribes"}`, ""},
		{"cem", "search_objects", `{"pattern": "plan"}`, ""},
		{"ann", "list_functions", `{"schema": "shop"}`, "Pays back"},
		{"cem", "list_functions", `{"schema": "shop"}`, ""},
	} {
		got := answer(t, asBy(t, rules, test.sub), r, test.tool, test.args)
		for _, text := range all {
			if want := strings.Contains(test.want, text); strings.Contains(got, text) != want {
				t.Errorf("%s: %s %s = %s, want %q in it: %v", test.sub, test.tool, test.args, got, text, want)
			}
		}
	}
}

func TestUnknownNotes(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, notesFixture)
	db := openDB(t, url)
	if found, err := registry.UnknownNotes(t.Context(), db, loadNotes(t, notesFile), 20, false); err != nil || len(found) > 0 {
		t.Errorf("UnknownNotes of known ones = %v, %v", found, err)
	}
	found, err := registry.UnknownNotes(t.Context(), db, loadNotes(t,
		"shp: x\nshop.itm: x\nshop.itm.id: x\nshop.item.staet: x\nshop.Item: x\nshop.refnd(): x\nshop.refund: x\nnothing.like.it: x\n"), 20, false)
	want := `notes/a.yaml:1:1: note on shp: the database has no such object: did you mean "shop"?
notes/a.yaml:2:1: note on shop.itm: the database has no such object: did you mean "shop.item"?
notes/a.yaml:3:1: note on shop.itm.id: the database has no such object: did you mean "shop.item.id"?
notes/a.yaml:4:1: note on shop.item.staet: the database has no such object: did you mean "shop.item.state"?
notes/a.yaml:5:1: note on shop.Item: the database has no such object: did you mean "shop.item"?
notes/a.yaml:6:1: note on shop.refnd(): the database has no such object: did you mean "shop.refund()"?
notes/a.yaml:7:1: note on shop.refund: the database has no such object: did you mean "shop.refund()"?
notes/a.yaml:8:1: note on nothing.like.it: the database has no such object`
	if found.Sort(); err != nil || found.Error() != want {
		t.Errorf("UnknownNotes = %v\n%v, want\n%s", err, found, want)
	}
}

func TestStartNotes(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE TABLE shop.of_an_extension (id int); ALTER EXTENSION plpgsql ADD TABLE shop.of_an_extension;
		CREATE TYPE shop.state AS ENUM ('P'); CREATE FUNCTION shop.pay(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE TABLE shop."on: #sale" (id int, "the name" varchar(10), known text, "a""b" int, noted int) PARTITION BY LIST (id);
		CREATE TABLE shop.part PARTITION OF shop."on: #sale" DEFAULT; COMMENT ON COLUMN shop."on: #sale".known IS 'x';
		CREATE SCHEMA billing; COMMENT ON SCHEMA billing IS 'x'; CREATE VIEW billing.v AS SELECT 1 AS one`)
	db := openDB(t, url)
	text, err := registry.StartNotes(t.Context(), db, loadNotes(t, "'shop.on: #sale.noted': x"), []string{"shop", "billing"})
	const want = `# Notes on objects that have no comment: write a text between the quotes, and leave out what needs none.

billing.v: ""  # view
billing.v.one: ""  # integer
shop: ""  # schema

"shop.on: #sale": ""  # table
"shop.on: #sale.id": ""  # integer
"shop.on: #sale.the name": ""  # character varying(10)
shop.pay(): ""  # function
shop.state: ""  # enum
`
	if err != nil || text != want {
		t.Errorf("StartNotes = %v\n%s, want\n%s", err, text, want)
	}
	loadNotes(t, text)
	filled := loadNotes(t, strings.ReplaceAll(text, `""`, `"x"`))
	if found, err := registry.UnknownNotes(t.Context(), db, filled, 20, false); err != nil || len(found) > 0 || len(filled) != 8 {
		t.Errorf("of %d notes these are unknown: %v, %v", len(filled), found, err)
	}
	if _, err := registry.StartNotes(t.Context(), db, nil, []string{"shop", "biling"}); err == nil || err.Error() != `there is no schema "biling": did you mean "billing"?` {
		t.Errorf("StartNotes of an unknown schema = %v", err)
	}
}
