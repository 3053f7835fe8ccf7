package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/test/pgtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	goodTools = "testdata/tools/good" // sound files; some the database refuses
	badTools  = "testdata/tools/bad"
)

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got); rewrite it with go test -update:\n%s", file, diff)
	}
}

func TestCheckCommand(t *testing.T) {
	url := pgtest.Demo(t)
	db := "DATABASE_URL=" + url
	version, _, _ := strings.Cut(pgtest.Value(t, url, "SHOW server_version"), " ")
	databases := writeFile(t, filepath.Join(t.TempDir(), "databases.yaml"), "databases: {shop: {url_env: SHOP_URL}, crm: {url: postgres://x}}\ndefault: shop\n")
	tests := []struct {
		name   string
		env    []string
		args   []string
		status int
		golden string
		out    string // what is in it, without a golden file
	}{
		{"good", []string{db}, []string{"check", goodTools}, 1, "check_good.golden", ""},
		{"bad", nil, []string{"check", badTools}, 1, "check_bad.golden", ""},
		{"two folders", nil, []string{"check", badTools, goodTools + "/sales"}, 1, "", "16 files: 20 faults, 0 warnings"},
		{"github", nil, []string{"check", "--format", "github", goodTools}, 0, "check_github.golden", ""},
		{"without a database", nil, []string{"check", goodTools}, 0, "", "Not checked: names of tables, columns and functions"},
		{"a database that is down", []string{"DATABASE_URL=postgres://nobody@127.0.0.1:1/x"}, []string{"check", goodTools}, 0, "", "the database can't be reached"},
		{"strict", nil, []string{"check", "--strict", goodTools}, 1, "", "0 faults, 16 warnings"},
		{"folder of --tools", nil, []string{"--tools", badTools, "check"}, 1, "", "9 files: 20 faults"},
		{"built in", []string{db}, []string{"check"}, 0, "", "0 faults"},
		{"no folder", nil, []string{"check", "nowhere"}, 2, "", ""},
		{"junit", nil, []string{"check", "--format", "junit", badTools}, 1, "", `<testcase name="line 5: fault" classname="testdata/tools/bad/sales/ddl.sql" file="testdata/tools/bad/sales/ddl.sql" line="5"`},
		{"junit of sound files", nil, []string{"check", "--format", "junit", goodTools + "/sales"}, 0, "", `failures="0" skipped="1"`},
		{"notes", []string{db}, []string{"check", "testdata/tools/notes"}, 1, "", `testdata/tools/notes/notes/shop.yaml:3:1: note on shop.ordrs: the database has no such object: did you mean "shop.orders"?` +
			"\n1 file: 1 fault, 0 warnings"},
		{"notes without a database", nil, []string{"check", "testdata/tools/notes"}, 0, "", "1 file: 0 faults"},
		{"notes of one of several databases", []string{"SHOP_URL=" + url}, []string{"--databases", databases, "check", "testdata/tools/notes"}, 0, "",
			"1 file: 0 faults, 1 warning"},
		{"unknown format", nil, []string{"check", "--format", "xml"}, 2, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := cliRun(t, test.env, test.args...)
			if got.status != test.status || !strings.Contains(got.out, test.out) {
				t.Errorf("%v = %+v, want status %d and %q", test.args, got, test.status, test.out)
			}
			if test.golden != "" {
				golden(t, "testdata/"+test.golden, strings.ReplaceAll(got.out, "the server has "+version+"\n", "the server has VERSION\n"))
			}
		})
	}
}

// TestCheckStrictWithoutAnswer checks what has no warning, so that only the database is missing.
func TestCheckStrictWithoutAnswer(t *testing.T) {
	dir := t.TempDir()
	if got := cliRun(t, nil, "new", "sound", "--dir", dir); got.status != 0 {
		t.Fatalf("new = %+v", got)
	}
	for _, test := range []struct {
		name   string
		args   []string
		status int
		err    string // what is in it
	}{
		{"no database", []string{"--strict"}, 0, ""},
		{"one that is down", []string{"--strict", "--conn", "postgres://x@127.0.0.1:1/x"}, 1, "--strict: not all was checked, as the database does not answer"},
		{"one that is down, not strict", []string{"--conn", "postgres://x@127.0.0.1:1/x"}, 0, ""},
	} {
		got := cliRun(t, nil, append([]string{"check", dir}, test.args...)...)
		if got.status != test.status || !strings.Contains(got.err, test.err) || !strings.Contains(got.out, "0 faults, 0 warnings") {
			t.Errorf("%s: check = %+v, want status %d and %q", test.name, got, test.status, test.err)
		}
	}
}

// TestUnknownNotesAtStart: a server says which notes are on nothing, and serves.
func TestUnknownNotesAtStart(t *testing.T) {
	got := cliRun(t, []string{"DATABASE_URL=" + pgtest.Demo(t)}, "--tools", "testdata/tools/notes", "call", "list_schemas")
	if got.status != 0 || !strings.Contains(got.err, "notes on objects that the database does not have") || !strings.Contains(got.err, "note on shop.ordrs") ||
		!strings.Contains(got.out, "The web shop") {
		t.Errorf("call list_schemas with an unknown note = %+v", got)
	}
}

func TestCheckJSON(t *testing.T) {
	got := cliRun(t, nil, "check", "--format", "json", badTools)
	var report struct {
		Files, Errors, Warnings int
		Findings                []struct {
			Path, Severity, Rule, Message string
			Line, Column                  int
		}
		NotChecked []string `json:"not_checked"`
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	if report.Files != 9 || report.Errors != 20 || len(report.Findings) != 20 || len(report.NotChecked) != 1 {
		t.Errorf("check --format json = %+v, want 20 errors in 9 files", report)
	}
	if f := report.Findings[0]; f.Path != badTools+"/sales/ddl.sql" || f.Line != 5 || f.Column != 1 || f.Severity != "error" || !strings.HasPrefix(f.Message, "TRUNCATE") {
		t.Errorf("the first finding is %+v", f)
	}
}

func TestTestCommand(t *testing.T) {
	url := pgtest.Demo(t)
	db := "DATABASE_URL=" + url
	tests := []struct {
		name   string
		env    []string
		args   []string
		status int
		out    string
	}{
		{"tools of the operator", []string{db}, []string{"test", goodTools}, 0, "15 tests: 15 passed, 0 failed, 0 skipped"},
		{"read only", []string{db, "POSTGRES_READONLY=true"}, []string{"test", goodTools}, 0, "12 passed, 0 failed, 3 skipped"},
		{"with permissions", []string{db}, []string{"--permissions", "../../permissions.example.yaml", "test", goodTools}, 0, "15 tests: 15 passed"},
		{"role of nobody", []string{db}, []string{"--permissions", "../../permissions.example.yaml", "test", "testdata/tools/roles"}, 1,
			`as: the permissions have no role "analist": did you mean "analyst"?`},
		{"roles", []string{db}, []string{"--permissions", "../../permissions.example.yaml", "test", "testdata/tools/roles"}, 1, "4 tests: 3 passed, 1 failed"},
		{"built in", []string{db}, []string{"test"}, 0, "0 failed"},
		{"junit", []string{db}, []string{"test", "--format", "junit", goodTools}, 0, `<testcase name="test 1" classname="sales.set_stock" file="testdata/tools/good/sales/set_stock.sql" line="11"`},
		{"json", []string{db}, []string{"test", "--format", "json", goodTools}, 0, `"passed": 15`},
		{"github", []string{db}, []string{"--permissions", "../../permissions.example.yaml", "test", "--format", "github", "testdata/tools/roles"}, 1,
			`::error file=testdata/tools/roles/`},
		{"no database", nil, []string{"test", goodTools}, 2, ""},
		{"bad files", []string{db}, []string{"test", badTools}, 1, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := cliRun(t, test.env, test.args...); got.status != test.status || !strings.Contains(got.out, test.out) {
				t.Errorf("%v = %+v, want status %d and %q", test.args, got, test.status, test.out)
			}
		})
	}
	if got := pgtest.Value(t, url, "SELECT count(*) FROM shop.products WHERE stock = 1 AND sku = 'TEN-ALP-001'"); got != "0" {
		t.Errorf("a test has changed the stock: %s rows", got)
	}
}

// TestExpectations are tests of tool files that fail, with what is said of them.
func TestExpectations(t *testing.T) {
	db := "DATABASE_URL=" + pgtest.Demo(t)
	const rows = "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v (id, name) ORDER BY id"
	tests := []struct{ header, sql, expect, want string }{
		{"", rows, "{rows: 2, max_rows: 2, columns: [id, name], contains: [{id: 2.0, name: null}], equals: [{id: 1, name: a}, {id: 2, name: null}]}", ""},
		{"", rows, "{rows: 3}", "rows: got 2, want 3"},
		{"", rows, "{max_rows: 1}", "max_rows: got 2, want at most 1"},
		{"", rows, "{columns: [name, id]}", "columns: got id, name, want name, id"},
		{"", rows, "{contains: [{id: 1, name: b}]}", `contains: {"id":1,"name":"b"} is not in`},
		{"", rows, "{equals: [{id: 1}, {id: 2}]}", "equals: got"},
		{"", rows, "{error: not_found}", "error: got an answer, want the error not_found"},
		{"", "SELECT 1 / 0", "{rows: 1}", `got the error {"error":{"code":"22012"`},
		{"", "SELECT 1 / 0", "{error: 22012}", ""},
		{"", "SELECT 1 / 0", "{error: 42P01}", "error: want 42P01, got"},
		{"result: value", "SELECT '[1, {\"a\": [2, 3]}]'::json", "{contains: [{a: [3]}]}", ""},
		{"result: value", "SELECT '[1, {\"a\": [2, 3]}]'::json", "{contains: [{a: [4]}]}", "contains:"},
		{"result: value", "SELECT NULL::int", "{equals: null}", ""},
		{"result: value", "SELECT 0", "{equals: null}", "equals: got 0, want null"},
		{"access: write\nresult: affected", "DELETE FROM shop.returns", "{affected: 0}", "affected: got"},
		{"access: write", "DELETE FROM shop.returns WHERE false", "{affected: 0}", ""},
		{"result: object", "SELECT to_tsquery('english', 'the')::text AS q", "{equals: {q: ''}}", ""}, // with a notice
	}
	dir := t.TempDir()
	for i, test := range tests {
		text := "/*---\ndescription: x\n" + test.header + "\ntests: [{expect: " + test.expect + "}]\n---*/\n" + test.sql
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("x%02d.sql", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := cliRun(t, []string{db}, "test", "--format", "json", dir)
	var report struct {
		Tests []struct{ Outcome, Reason string }
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.status != 1 || len(report.Tests) != len(tests) {
		t.Fatalf("test = %+v, %v", got, err)
	}
	for i, test := range tests {
		r := report.Tests[i]
		if (r.Outcome == "failed") != (test.want != "") || !strings.Contains(r.Reason, test.want) {
			t.Errorf("%s with %s = %+v, want %q", test.sql, test.expect, r, test.want)
		}
	}
}

// TestCallerWithoutPermissions: a test that names its caller finds tables as a call does.
func TestCallerWithoutPermissions(t *testing.T) {
	dir := t.TempDir()
	const text = "/*---\ndescription: x\nresult: value\ntests: [{as: {sub: ann}, expect: {equals: \"2000 ann\"}}]\n---*/\nSELECT count(*) || ' ' || current_setting('mcp.sub') FROM orders"
	if err := os.WriteFile(filepath.Join(dir, "x.sql"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := cliRun(t, []string{"DATABASE_URL=" + pgtest.Demo(t)}, "test", dir); got.status != 0 {
		t.Errorf("test = %+v, want it passed", got)
	}
}

var docFile = regexp.MustCompile("(?s)\n`([a-z_]+/[a-z_]+\\.sql)`\n\n```sql\n(.*?)```\n(\n```text)?")

// TestDocTests checks the tool files that docs/tool-files.md shows without faults, and runs their tests.
func TestDocTests(t *testing.T) {
	doc, err := os.ReadFile("../../docs/tool-files.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range docFile.FindAllStringSubmatch(string(doc), -1) {
		if path := filepath.Join(dir, m[1]); m[3] == "" {
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(m[2]), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
	}
	db := "DATABASE_URL=" + pgtest.Demo(t)
	if got := cliRun(t, []string{db}, "check", dir); got.status != 0 {
		t.Errorf("check of the document's files = %+v", got)
	}
	if got := cliRun(t, []string{db}, "test", dir); got.status != 0 || !strings.Contains(got.out, "ok    cancel_order: a pending order") {
		t.Errorf("test of the document's files = %+v", got)
	}
}

func TestNewAndEject(t *testing.T) {
	dir := t.TempDir()
	db := "DATABASE_URL=" + pgtest.Demo(t)
	tests := []struct {
		name     string
		args     []string
		status   int
		out, err string
	}{
		{"new", []string{"new", "sales/top_sellers", "--dir", dir}, 0, filepath.Join(dir, "sales", "top_sellers.sql"), ""},
		{"new, there already", []string{"new", "sales/top_sellers", "--dir", dir}, 1, "", "is there already: nothing was written"},
		{"new without a toolset", []string{"--tools", dir, "new", "plain"}, 0, filepath.Join(dir, "plain.sql"), ""},
		{"new, bad name", []string{"new", "Top", "--dir", dir}, 2, "", `"Top": want ^[a-z]`},
		{"new, name of a tool in code", []string{"new", "query", "--dir", dir}, 2, "", "the server has a tool of that name"},
		{"new, too deep", []string{"new", "a/b/c", "--dir", dir}, 2, "", `tool "a/b/c": want NAME or TOOLSET/NAME`},
		{"new, a path", []string{"new", "/tmp/x/y", "--dir", dir}, 2, "", `tool "/tmp/x/y": want NAME or TOOLSET/NAME`},
		{"new, the root", []string{"new", "/x", "--dir", dir}, 2, "", `tool "/x": want NAME or TOOLSET/NAME`},
		{"new, bad toolset", []string{"new", "../x", "--dir", dir}, 2, "", `toolset ".."`},
		{"eject", []string{"eject", "list_tables", "--dir", dir}, 0, filepath.Join(dir, "explore", "list_tables.sql"), ""},
		{"eject, there already", []string{"eject", "list_tables", "--dir", dir}, 1, "", "nothing was written"},
		{"eject, unknown", []string{"eject", "lst_tables", "--dir", dir}, 2, "", `did you mean "list_tables"?`},
		{"they are sound", []string{"check", "--strict", dir}, 0, "3 files: 0 faults, 0 warnings", ""},
		{"their tests pass", []string{"test", dir}, 0, " 0 failed", ""},
	}
	for _, test := range tests {
		got := cliRun(t, []string{db}, test.args...)
		if got.status != test.status || !strings.Contains(got.out, test.out) || !strings.Contains(got.err, test.err) {
			t.Errorf("%s: %v = %+v, want status %d, out %q, err %q", test.name, test.args, got, test.status, test.out, test.err)
		}
	}
}

// TestReadOnlyRefusal has a tool that only read-only mode refuses: check, the log and server_info say so.
func TestReadOnlyRefusal(t *testing.T) {
	db, dir := "DATABASE_URL="+pgtest.Demo(t), t.TempDir()
	pgtest.Exec(t, strings.TrimPrefix(db, "DATABASE_URL="), "CREATE FUNCTION public.made() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; RETURN 1; END $$")
	file := "/*---\ndescription: Reads what is made. Use it in this test alone.\nresult: object\n---*/\nSELECT\n  public.made() AS n\n"
	if err := os.WriteFile(filepath.Join(dir, "reads_made.sql"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	const reason = "read-only mode refuses it: function public.made: its body can't be looked at"
	if got := cliRun(t, []string{db}, "check", dir); got.status != 0 {
		t.Errorf("check = %+v, want it sound", got)
	}
	if got := cliRun(t, []string{db}, "--read-only", "check", dir); got.status != 1 || !strings.Contains(got.out, "reads_made.sql:5:1: "+reason) {
		t.Errorf("check in read-only mode = %+v, want %q", got, reason)
	}
	got := cliRun(t, []string{db}, "--read-only", "--tools", dir, "call", "server_info")
	if !strings.Contains(got.out, "reads_made  line 5: read-only mode refuses it: function public.made") || !strings.Contains(got.err, "tool not offered") {
		t.Errorf("server_info = %+v, want %q there and in the log", got, reason)
	}
}
