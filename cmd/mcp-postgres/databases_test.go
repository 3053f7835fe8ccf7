package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mcp-postgres/internal/test/oidctest"
	"mcp-postgres/internal/test/pgtest"
)

// marked makes databases that each say which they are.
func marked(t *testing.T, names ...string) (urls map[string]string) {
	t.Helper()
	urls = map[string]string{}
	for _, name := range names {
		urls[name] = pgtest.URL(t)
		pgtest.Exec(t, urls[name], fmt.Sprintf("CREATE TABLE mark AS SELECT '%s' AS name", name))
	}
	return urls
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// get is the body of a page.
func (s *site) get(path string) string {
	s.t.Helper()
	res, err := http.Get(s.url + path)
	return oidctest.Read(s.t, res, err)
}

// callTool is the answer to a call, as it came.
func (s *site) callTool(authorization, tool, args string) string {
	s.t.Helper()
	res, err := s.post(s.t.Context(), "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"`+tool+`","arguments":`+args+`}}`,
		"Authorization", authorization)
	return oidctest.Read(s.t, res, err)
}

const readMark = `{"sql": "SELECT name FROM mark", "format": "csv"%s}`

// TestDatabasesAnswerBesideOneThatIsDown has many callers at once, in databases of which one is down.
func TestDatabasesAnswerBesideOneThatIsDown(t *testing.T) {
	urls := marked(t, "shop", "crm", "readonly")
	file := writeFile(t, filepath.Join(t.TempDir(), "databases.yaml"), fmt.Sprintf(`
databases:
  crm: {url_env: TEST_CRM_URL, pool: {max: 3}, limits: {rows: 2}}
  shop: {url: %q, description: The web shop}
  readonly: {url: %q, read_only: true}
  down: {url: "postgres://nobody:secret@127.0.0.1:1/none"}
default: shop
`, urls["shop"], urls["readonly"]))
	s := serveHTTP(t, []string{"TEST_CRM_URL=" + urls["crm"]}, "--transport", "streamable-http", "--databases", file)
	for path, want := range map[string]string{"/readyz": `{"ready":true,"warnings":{"database down":`,
		"/metrics": `mcp_postgres_pool_connections_max{pool="crm"} 3`} {
		if got := s.get(path); !strings.Contains(got, want) {
			t.Errorf("%s = %s, want %s", path, got, want)
		}
	}
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for _, name := range []string{"shop", "crm", "down", "readonly"} {
				got := s.callTool("", "query", fmt.Sprintf(readMark, `, "database": "`+name+`"`))
				want := "name\\n" + name
				if name == "down" {
					want = "not available"
				}
				if !strings.Contains(got, want) {
					t.Errorf("caller %d in %s: %s, want %s", i, name, got, want)
				}
			}
		})
	}
	wait.Wait()
	for _, test := range []struct{ tool, args, want string }{
		{"query", `{"database": "readonly", "sql": "CREATE TABLE x (a int)"}`, "read_only"},
		{"query", `{"database": "crm", "sql": "CREATE TABLE x (a int)"}`, "CREATE TABLE"},
		{"server_info", `{"database": "crm"}`, `\"rows\":2`},
	} {
		if got := s.callTool("", test.tool, test.args); !strings.Contains(got, test.want) {
			t.Errorf("%s %s = %s, want %s", test.tool, test.args, got, test.want)
		}
	}
	if got := s.get("/metrics"); !strings.Contains(got, `mcp_postgres_calls_total{database="crm",outcome="ok",tool="query"}`) {
		t.Errorf("/metrics has no calls by database: %s", got)
	}
	s.signal(syscall.SIGTERM)
	<-s.ended
	if log := s.log.String(); strings.Contains(log, "secret") {
		t.Errorf("the log has a password: %s", log)
	}
}

// TestDatabasesReload changes the file while the server serves.
func TestDatabasesReload(t *testing.T) {
	urls := marked(t, "shop", "crm")
	dir := t.TempDir()
	file := filepath.Join(dir, "databases.yaml")
	one := fmt.Sprintf("databases:\n  shop: {url: %q}\n", urls["shop"])
	two := one + fmt.Sprintf("  crm: {url: %q}\ndefault: shop\n", urls["crm"])
	writeFile(t, file, one)
	if err := os.Mkdir(filepath.Join(dir, "tools"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, nil, "--databases", file, "--tools", filepath.Join(dir, "tools"))
	await := func(what, args, want string) {
		t.Helper()
		var got string
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			s.send(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"query","arguments":` + args + `}}`)
			m := s.receive()
			for m.ID == nil { // list_changed
				m = s.receive()
			}
			got = ""
			for _, c := range m.Result.Content {
				got += c.Text
			}
			if strings.Contains(got, want) {
				return
			}
		}
		t.Fatalf("%s: %s, want %s", what, got, want)
	}
	await("one", fmt.Sprintf(readMark, ""), "shop")
	await("the argument is not there", fmt.Sprintf(readMark, `, "database": "crm"`), "database")
	writeFile(t, file, two)
	await("a new one", fmt.Sprintf(readMark, `, "database": "crm"`), "crm")
	await("the old one", fmt.Sprintf(readMark, ""), "shop")
	writeFile(t, file, strings.Replace(two, "url", "ulr", 1))
	time.Sleep(time.Second) // until it has been read
	await("a file with a fault changes nothing", fmt.Sprintf(readMark, `, "database": "crm"`), "crm")
	writeFile(t, file, strings.Replace(two, "default: shop", "default: crm", 1))
	await("another default", fmt.Sprintf(readMark, ""), "crm")
	writeFile(t, file, one)
	await("it has gone", fmt.Sprintf(readMark, ""), "shop")
	tool := writeFile(t, filepath.Join(dir, "tools", "a.sql"), "/*---\nnope: x\n---*/\nSELECT 1")
	time.Sleep(time.Second) // until it has been read
	writeFile(t, file, two)
	time.Sleep(time.Second)
	await("a fault in a tool keeps a new one back", fmt.Sprintf(readMark, `, "database": "crm"`), "unknown argument")
	writeFile(t, tool, "/*---\ndescription: A.\n---*/\nSELECT 1")
	await("until it is mended", fmt.Sprintf(readMark, `, "database": "crm"`), "crm")
	if _, status := s.close(); status != 0 || !strings.Contains(s.stderr.String(), "databases not reloaded") {
		t.Errorf("exit status %d\n%s", status, s.stderr)
	}
}

// TestDatabasesAndRolesChangeTogether: a database and the roles that name it appear and go whichever file is written
// first.
func TestDatabasesAndRolesChangeTogether(t *testing.T) {
	urls := marked(t, "shop", "crm")
	dir := t.TempDir()
	file, permissions := filepath.Join(dir, "databases.yaml"), filepath.Join(dir, "permissions.yaml")
	databases := func(crm string) {
		writeFile(t, file, fmt.Sprintf("databases:\n  shop: {url: %q}\n%sdefault: shop\n", urls["shop"], crm))
	}
	roles := func(names string) {
		writeFile(t, permissions, "roles:\n  a: {schemas: [public], tables: \"*\", operations: [select], databases: ["+names+"]}\nusers: {ann: a}\n")
	}
	databases("")
	roles("shop")
	issuer := newTokenIssuer(t)
	s := serveHTTP(t, issuer.env(permissions), "--transport", "streamable-http", "--databases", file)
	ann := issuer.header(t, "ann", time.Now().Add(time.Hour))
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s; the log:\n%s", what, s.log.String())
			}
		}
	}
	refused := func(what string, times int) {
		t.Helper()
		await("no fault: "+what, func() bool { return strings.Count(s.log.String(), what) >= times })
	}
	inCRM := func() bool {
		return strings.Contains(s.callTool(ann, "query", fmt.Sprintf(readMark, `, "database": "crm"`)), `name\ncrm`)
	}
	pools := func(crm bool) func() bool {
		return func() bool { return strings.Contains(s.get("/metrics"), `{pool="crm"}`) == crm }
	}
	crm := fmt.Sprintf("  crm: {url: %q}\n", urls["crm"])
	roles("shop, crm")
	refused(`there is no database \"crm\"`, 1)
	databases(crm)
	await("crm after its roles", inCRM)
	databases("")
	refused("databases not reloaded", 1)
	if !inCRM() {
		t.Errorf("a database that roles name went")
	}
	roles("shop")
	await("crm went after its roles", pools(false))
	databases(crm)
	await("crm before its roles", pools(true))
	roles("shop, crm")
	await("roles after the database", inCRM)
	roles("shop")
	await("the role without crm", func() bool { return !inCRM() })
	databases("")
	await("crm went before", pools(false))
}

func TestDatabaseOfATool(t *testing.T) {
	urls := marked(t, "shop", "crm")
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "databases.yaml"),
		fmt.Sprintf("databases:\n  shop: {url: %q}\n  crm: {url: %q}\ndefault: shop\n", urls["shop"], urls["crm"]))
	if err := os.MkdirAll(filepath.Join(dir, "tools", "mine"), 0o700); err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(dir, "tools", "mine", "which.sql")
	writeFile(t, tool, "/*---\ndescription: Which.\ndatabase: crm\ntests: [{name: it is crm, expect: {rows: 1}}]\n---*/\nSELECT name FROM mark WHERE name = 'crm'")
	tools := filepath.Join(dir, "tools")
	for _, test := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"call", "which", "--database", "crm"}, "crm", 0},
		{[]string{"call", "which"}, `unknown tool "which"`, 1},
		{[]string{"check", tools}, "which.sql: it is for another database: want --database crm", 0},
		{[]string{"check", "--database", "crm", tools}, "1 file: 0 faults, 1 warning", 0},
		{[]string{"test", tools}, "is for another database: want --database crm", 0},
		{[]string{"test", "--database", "crm", tools}, "1 passed", 0},
		{[]string{"call", "query", "sql=SELECT name FROM mark", "--database", "crm"}, "crm", 0},
		{[]string{"call", "query", "sql=SELECT 1", "--database", "cmr"}, `--database names "cmr": did you mean "crm"?`, 1},
		{[]string{"doctor", "--database", "crm"}, "", 1},
	} {
		got := cliRun(t, nil, append(test.args, "--databases", file, "--tools", tools)...)
		if !strings.Contains(got.out+got.err, test.want) || got.status != test.code {
			t.Errorf("%v = %d\n%s%s\nwant %d, %s", test.args, got.status, got.out, got.err, test.code, test.want)
		}
	}
	writeFile(t, tool, "/*---\ndescription: Which.\ndatabase: cmr\n---*/\nSELECT 1 AS a")
	for want, args := range map[string][]string{
		`is for the database "cmr": did you mean "crm"?`:          {"tools", "--databases", file, "--tools", tools},
		`the tool is for the database "cmr": did you mean "crm"?`: {"check", tools, "--databases", file},
		`want --databases FILE`:                                   {"tools", "--conn", urls["shop"], "--tools", tools},
	} {
		if got := cliRun(t, nil, args...); !strings.Contains(got.out+got.err, want) || got.status == 0 {
			t.Errorf("%v = %d %s, want %s", args, got.status, got.err, want)
		}
	}
}

// TestNotesOfDatabases: notes for all, and of one.
func TestNotesOfDatabases(t *testing.T) {
	urls := marked(t, "shop", "crm")
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "databases.yaml"),
		fmt.Sprintf("databases:\n  shop: {url: %q}\n  crm: {url: %q}\ndefault: shop\n", urls["shop"], urls["crm"]))
	tools := filepath.Join(dir, "tools")
	for _, folder := range []string{"crm", "cmr"} {
		if err := os.MkdirAll(filepath.Join(tools, "notes", folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(tools, "notes", "a.yaml"), "public.mark: of all\npublic.elsewhere: of all\n")
	crm := filepath.Join(tools, "notes", "crm", "a.yaml")
	writeFile(t, crm, "public.mark: of crm\npublic.marc: of crm\n")
	const misspelt = `notes/crm/a.yaml:2:1: note on public.marc: the database has no such object: did you mean "public.mark"?`
	for _, test := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"call", "list_tables", "--database", "crm"}, "of crm", 0},
		{[]string{"call", "list_tables", "--database", "crm"}, misspelt[1:40], 0}, // in the log
		{[]string{"call", "list_tables"}, "of all", 0},
		{[]string{"check", tools}, `tools/notes/cmr: warning: no database has the name "cmr": did you mean "crm"? (unknown_note)`, 0},
		{[]string{"check", tools}, "0 faults, 2 warnings", 0},
		{[]string{"check", tools, "--database", "crm"}, misspelt, 1},
		{[]string{"notes", "--database", "crm"}, "public.mark.name:", 0},
	} {
		got := cliRun(t, nil, append(test.args, "--databases", file, "--tools", tools)...)
		if !strings.Contains(got.out+got.err, test.want) || got.status != test.code {
			t.Errorf("%v = %d\n%s%s\nwant %d, %s", test.args, got.status, got.out, got.err, test.code, test.want)
		}
	}
	s := serveHTTP(t, nil, "--transport", "streamable-http", "--databases", file, "--tools", tools)
	writeFile(t, crm, "public.mark: of crm since then\n")
	var got string
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(got, "of crm since then"); time.Sleep(50 * time.Millisecond) {
		if got = s.callTool("", "list_tables", `{"database": "crm"}`); time.Now().After(deadline) {
			t.Fatalf("list_tables = %s, want the new note", got)
		}
	}
	if got := s.callTool("", "list_tables", `{"database": "shop"}`); !strings.Contains(got, "of all") || strings.Contains(got, "of crm") {
		t.Errorf("list_tables of shop = %s, want the note of all", got)
	}
}

// TestDatabasesOfRoles has roles with a login of their own in one database.
func TestDatabasesOfRoles(t *testing.T) {
	urls := marked(t, "shop", "crm")
	_, login := pgtest.Role(t, urls["crm"])
	dir := t.TempDir()
	file := writeFile(t, filepath.Join(dir, "databases.yaml"),
		fmt.Sprintf("databases:\n  shop: {url: %q}\n  crm: {url: %q}\n  down: {url: \"postgres://nobody@127.0.0.1:1/none\"}\ndefault: shop\n", urls["shop"], urls["crm"]))
	roles := func(databases string) string {
		return writeFile(t, filepath.Join(dir, "permissions.yaml"),
			"roles:\n  a: {schemas: [public], tables: \"*\", operations: [select], databases: "+databases+"}\nusers: {ann: a}\n")
	}
	issuer := newTokenIssuer(t)
	permissions := roles("{shop: {}, crm: {connection: TEST_CRM_LOGIN}}")
	env := append(issuer.env(permissions), "TEST_CRM_LOGIN="+login)
	s := serveHTTP(t, env, "--transport", "streamable-http", "--databases", file)
	if got := s.get("/readyz"); !strings.Contains(got, `"ready":true,"warnings":{"database down":`) {
		t.Errorf("/readyz = %s, want it to name the database, as /metrics does", got)
	}
	hiding := serveHTTP(t, env, "--transport", "streamable-http", "--databases", file, "--metrics", "off")
	if got := hiding.get("/readyz"); !strings.Contains(got, `"ready":true,"warnings":{"databases":"some do not answer; the log says which"}`) {
		t.Errorf("/readyz without /metrics = %s, want no name of a database", got)
	}
	ann := issuer.header(t, "ann", time.Now().Add(time.Hour))
	for database, want := range map[string]string{"shop": `name\nshop`, "crm": "42501"} {
		if got := s.callTool(ann, "query", fmt.Sprintf(readMark, `, "database": "`+database+`"`)); !strings.Contains(got, want) {
			t.Errorf("in %s: %s, want %s", database, got, want)
		}
	}
	roles(`{shop: {}}`)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := s.callTool(ann, "query", fmt.Sprintf(readMark, `, "database": "crm"`))
		if strings.Contains(got, "unknown argument") { // there is no choice
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the reload of the permissions: %s", got)
		}
	}
	for databases, want := range map[string]string{"[cmr]": `there is no database "cmr": did you mean "crm"?`,
		"\"*\", connection: TEST_CRM_LOGIN": "connection is a login of one database", "5": "databases is the number 5"} {
		got := cliRun(t, append(issuer.env(roles(databases)), "TEST_CRM_LOGIN="+login), "serve", "--transport", "streamable-http", "--port", "0", "--databases", file)
		if !strings.Contains(got.err, want) || got.status != 1 {
			t.Errorf("databases: %s = %d %s, want %s", databases, got.status, got.err, want)
		}
	}
}
