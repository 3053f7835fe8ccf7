package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/doctor"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// patient is a database with a login that has no right which doctor minds.
func patient(t *testing.T) (admin, role, url string) {
	t.Helper()
	admin = pgtest.Demo(t)
	role, url = pgtest.Role(t, admin)
	pgtest.Exec(t, admin, `DO $$ BEGIN EXECUTE format('REVOKE CREATE, TEMP ON DATABASE %I FROM PUBLIC', current_database()); END $$;
		REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA shop TO `+role)
	return admin, role, url
}

// finding and findings are what doctor finds, with its severities.
type (
	finding  = doctor.Finding
	findings []finding
)

const (
	danger  = doctor.Danger
	warning = doctor.Warning
	note    = doctor.Note
)

// examine gives the findings of doctor, and its exit status.
func examine(t *testing.T, env []string, args ...string) (findings, int) {
	t.Helper()
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	var out, stderr bytes.Buffer
	status := run(t.Context(), append([]string{"doctor", "--format", "json"}, args...), streams{nil, &out, &stderr})
	var report struct{ Findings findings }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s%s", err, &out, &stderr)
	}
	return report.Findings, status
}

// find gives the finding of that severity whose title holds the text.
func (all findings) find(severity, title string) *finding {
	i := slices.IndexFunc(all, func(f finding) bool { return f.Severity == severity && strings.Contains(f.Title, title) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

func permissionsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "permissions.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctorSound(t *testing.T) {
	_, _, url := patient(t)
	found, status := examine(t, []string{"DATABASE_URL=" + url}, "--strict")
	if status != 0 || len(found) != 1 || found.find(note, "can execute set_config") == nil {
		t.Errorf("a sound login: status %d, %+v, want 0 and a note", status, found)
	}
	for format, want := range map[string]string{
		"human": "0 dangers, 0 warnings, 1 note\n", "junit": `<testsuite name="doctor" tests="1" failures="0" skipped="0">`, "github": "::notice title=mcp-postgres doctor%3A ",
	} {
		if got := cliRun(t, []string{"DATABASE_URL=" + url}, "doctor", "--format", format); got.status != 0 || !strings.Contains(got.out, want) {
			t.Errorf("doctor --format %s = %+v, want %q in it", format, got, want)
		}
	}
	if got := cliRun(t, nil, "doctor"); got.status != 2 || !strings.Contains(got.err, "--conn") {
		t.Errorf("doctor without a database = %+v", got)
	}
}

// TestDoctorRole causes each finding, looks for it, runs the SQL that is to mend it and looks again. %s is the login.
func TestDoctorRole(t *testing.T) {
	tests := []struct {
		name, cause     string
		severity, title string
		object          string
	}{
		{"superuser", `ALTER ROLE %s SUPERUSER`, danger, "is a superuser", ""},
		{"BYPASSRLS", `ALTER ROLE %s BYPASSRLS`, danger, "has BYPASSRLS", ""},
		{"REPLICATION", `ALTER ROLE %s REPLICATION`, danger, "has REPLICATION", ""},
		{"CREATEROLE", `ALTER ROLE %s CREATEROLE`, danger, "has CREATEROLE", ""},
		{"CREATEDB", `ALTER ROLE %s CREATEDB`, warning, "has CREATEDB", ""},
		{"a powerful group", `CREATE ROLE %[1]s_group SUPERUSER; GRANT %[1]s_group TO %[1]s`, danger, "_group, which is a superuser", ""},
		{"files", `GRANT pg_read_server_files TO %s`, danger, "is a member of pg_read_server_files", ""},
		{"written files", `GRANT pg_write_server_files TO %s`, danger, "is a member of pg_write_server_files", ""},
		{"programs", `GRANT pg_execute_server_program TO %s`, danger, "is a member of pg_execute_server_program", ""},
		{"files by a group", `CREATE ROLE %[1]s_group; GRANT pg_read_server_files TO %[1]s_group; GRANT %[1]s_group TO %[1]s`, danger, "is a member of pg_read_server_files", ""},
		{"signals", `GRANT pg_signal_backend TO %s`, warning, "is a member of pg_signal_backend", ""},
		{"all data", `GRANT pg_read_all_data TO %s`, warning, "is a member of pg_read_all_data", ""},
		{"all data written", `GRANT pg_write_all_data TO %s`, danger, "is a member of pg_write_all_data", ""},
		{"monitor", `GRANT pg_monitor TO %s`, note, "is a member of pg_monitor", ""},
		{"a table", `CREATE TABLE shop.mine (); ALTER TABLE shop.mine OWNER TO %s`, warning, "owns what it works on", "table shop.mine"},
		{"CREATE on a schema", `GRANT CREATE ON SCHEMA shop TO %s`, warning, "can create objects in schemas", "schema shop"},
		{"CREATE for PUBLIC", `GRANT CREATE ON SCHEMA public TO PUBLIC`, warning, "can create objects in schemas", "schema public"},
		{"CREATE on the database", `DO 'BEGIN EXECUTE format(''GRANT CREATE ON DATABASE %%I TO %s'', current_database()); END'`, warning, "has CREATE on the database", ""},
		{"TEMP on the database", `DO 'BEGIN EXECUTE format(''GRANT TEMP ON DATABASE %%I TO PUBLIC'', current_database()); END'`, warning, "has TEMPORARY on the database", ""},
		{"an untrusted language", `CREATE LANGUAGE anything HANDLER plpgsql_call_handler; CREATE FUNCTION shop.anything() RETURNS int LANGUAGE anything AS 'BEGIN RETURN 1; END'`,
			warning, "the untrusted language anything is installed", "function shop.anything()"},
		{"a function of a superuser", `CREATE FUNCTION shop.all_orders() RETURNS SETOF shop.orders SECURITY DEFINER LANGUAGE sql AS 'SELECT * FROM shop.orders'`,
			warning, "can call functions with the rights of", "function shop.all_orders()"},
		{"dblink", `CREATE EXTENSION dblink; GRANT USAGE ON SCHEMA public TO %s`, warning, "the extension dblink is installed", "functions of dblink"},
		{"postgres_fdw", `CREATE EXTENSION postgres_fdw; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw; GRANT USAGE ON FOREIGN SERVER other TO %s`,
			warning, "the extension postgres_fdw is installed, and", "foreign server other"},
		{"file_fdw", `CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; CREATE FOREIGN TABLE shop.passwd (line text) SERVER files OPTIONS (filename '/etc/passwd');
			GRANT SELECT ON shop.passwd TO %s`, warning, "the extension file_fdw is installed, and", "foreign table shop.passwd"},
		{"writes", `GRANT UPDATE ON shop.orders TO %s`, warning, "can write, and the server is read-only", "table shop.orders"},
	}
	admin, role, url := patient(t)
	env := []string{"DATABASE_URL=" + url, "POSTGRES_READONLY=true"}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Cleanup(func() { pgtest.Exec(t, admin, "DROP TABLE IF EXISTS shop.mine; DROP ROLE IF EXISTS "+role+"_group") })
			needExtension(t, admin, test.cause)
			pgtest.Exec(t, admin, strings.NewReplacer("%s", role, "%[1]s", role, "%%", "%").Replace(test.cause))
			found, status := examine(t, env)
			f := found.find(test.severity, test.title)
			if f == nil || test.object != "" && !slices.Contains(f.Objects, test.object) {
				t.Fatalf("found %+v, want a %s %q of %q", found, test.severity, test.title, test.object)
			}
			if want := map[bool]int{true: 1}[test.severity == danger]; status != want {
				t.Errorf("status %d, want %d", status, want)
			}
			pgtest.Exec(t, admin, strings.ReplaceAll(f.Fix, "app_owner", role+"_group"))
			if found, _ := examine(t, env); found.find(test.severity, test.title) != nil {
				t.Errorf("after %s the finding is still there", f.Fix)
			}
		})
	}
}

// needExtension ends a test where the server does not have what a script creates.
func needExtension(t *testing.T, admin, script string) {
	t.Helper()
	if _, rest, ok := strings.Cut(script, "CREATE EXTENSION "); ok {
		name, _, _ := strings.Cut(rest, ";")
		pgtest.NeedExtensions(t, admin, name)
	}
}

// TestDoctorStrict starts the server with each kind of login.
func TestDoctorStrict(t *testing.T) {
	admin, role, url := patient(t)
	env := []string{"DATABASE_URL=" + url, "MCP_STRICT=true"}
	if got := cliRun(t, env); got.status != 0 {
		t.Errorf("a sound login: %+v, want a start", got)
	}
	pgtest.Exec(t, admin, "ALTER ROLE "+role+" BYPASSRLS")
	if got := cliRun(t, env); got.status != 1 || !strings.Contains(got.err, "--strict (MCP_STRICT): "+role+" has BYPASSRLS") {
		t.Errorf("a login with BYPASSRLS: %+v", got)
	}
	if got := cliRun(t, []string{"DATABASE_URL=" + url}); got.status != 0 {
		t.Errorf("without --strict: %+v, want a start", got)
	}
	if got := cliRun(t, nil, "--strict"); got.status != 1 || !strings.Contains(got.err, "--strict") {
		t.Errorf("without a database: %+v, want no start", got)
	}
	pgtest.Exec(t, admin, "ALTER ROLE "+role+" NOBYPASSRLS CREATEDB")
	if _, status := examine(t, env, "--strict"); status != 1 {
		t.Errorf("doctor --strict with a warning has status %d, want 1", status)
	}
}

// TestDoctorTLS connects by an address that is not loopback.
func TestDoctorTLS(t *testing.T) {
	address := ""
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			address = ip.IP.String()
		}
	}
	if address == "" {
		t.Skip("this machine has no address but loopback")
	}
	hba := filepath.Join(t.TempDir(), "hba")
	if err := os.WriteFile(hba, []byte("local all all trust\nhost all all all trust\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for dir := hba; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // the server is another user where the tests run as root
			t.Fatal(err)
		}
	}
	cluster := pgtest.NewCluster(t, demo.Config{TCP: true, Settings: map[string]string{"listen_addresses": "*", "hba_file": hba}})
	const title = "has no TLS"
	if found, _ := examine(t, []string{"DATABASE_URL=" + cluster.URL()}); found.find(danger, title) != nil {
		t.Errorf("on loopback: %+v", found)
	}
	url := strings.Replace(cluster.URL(), "127.0.0.1", address, 1)
	if found, status := examine(t, []string{"DATABASE_URL=" + url}); status != 1 || found.find(danger, "the connection to "+address+" "+title) == nil {
		t.Errorf("on %s: status %d, %+v", url, status, found)
	}
}

// TestDoctorPermissions holds a file against the grants, each finding with what is not found beside it.
func TestDoctorPermissions(t *testing.T) {
	admin, role, url := patient(t)
	taken := role + "_ro"
	pgtest.Exec(t, admin, fmt.Sprintf(`CREATE ROLE %[1]s_ro NOLOGIN;
		GRANT SELECT ON shop.orders, shop.products TO %[1]s; GRANT SELECT (id) ON shop.customers TO %[1]s;
		GRANT USAGE ON SCHEMA billing TO %[1]s; GRANT DELETE ON billing.invoices TO PUBLIC; GRANT TRUNCATE ON shop.orders TO %[1]s;
		CREATE TABLE shop.numbered (id serial); GRANT INSERT ON shop.numbered TO %[1]s;
		CREATE FUNCTION shop.closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION shop.closed FROM PUBLIC;
		CREATE FUNCTION shop.open() RETURNS int LANGUAGE sql AS 'SELECT 1'`, role))
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP OWNED BY "+taken+"; DROP ROLE "+taken) })
	path := permissionsFile(t, fmt.Sprintf(`
roles:
  reader:
    schemas: [shop, nowhere]
    tables: [orders, customers, payments_typo, shop.reviews]
    operations: [select]
    functions: [closed, open, shop.gone]
  writer:
    schemas: [shop]
    tables: [numbered]
    operations: [insert]
  taking:
    schemas: [shop]
    tables: [products]
    operations: [select]
    database_role: %s
  apart:
    schemas: [shop]
    tables: "*"
    operations: [select]
    connection: APART_URL
users: {_default: reader}
`, taken))
	env := []string{"DATABASE_URL=" + url, "MCP_PERMISSIONS_FILE=" + path}
	found, status := examine(t, env)
	if status != 1 {
		t.Errorf("status %d, want 1", status)
	}
	wants := []struct {
		severity, title, object string
	}{
		{danger, "role apart: its connection APART_URL is not set", ""},
		{danger, "role taking: its database_role " + taken + " can't be taken on by " + role, ""},
		{warning, "role reader: the schema nowhere does not exist", ""},
		{warning, "role taking: the schema shop is closed to " + taken, ""},
		{warning, "role reader: the permissions file names a table that does not exist", "table payments_typo"},
		{warning, "role reader: the permissions file names a function that does not exist", "function shop.gone"},
		{warning, "role reader: " + role + " lacks SELECT in the schema shop", "table shop.reviews"},
		{warning, "role taking: " + taken + " lacks SELECT in the schema shop", "table shop.products"},
		{warning, "role reader: " + role + " lacks EXECUTE", "function shop.closed()"},
		{warning, "role writer: " + role + " can't use sequences in the schema shop", "sequence shop.numbered_id_seq"},
		{warning, role + " can do more in the schema billing than the permissions file allows", "delete on 1 table: invoices"},
		{warning, role + " can do more in the schema shop than the permissions file allows", "truncate on 1 table: orders"},
		{warning, "role reader, role writer: neither connection nor database_role, calls run as " + role, ""},
		{warning, taken + " can execute set_config", ""},
	}
	var fixes []string
	for _, w := range wants {
		f := found.find(w.severity, w.title)
		if f == nil || w.object != "" && !slices.Contains(f.Objects, w.object) {
			t.Errorf("no %s %q of %q", w.severity, w.title, w.object)
			continue
		}
		fixes = append(fixes, f.Fix)
	}
	if t.Failed() {
		t.Fatalf("found %+v", found)
	}
	if f := found.find(warning, "role reader: "+role+" lacks SELECT"); len(f.Objects) != 1 {
		t.Errorf("lacking are %v, want only what has no grant at all", f.Objects)
	}
	if f := found.find(warning, role+" can do more in the schema shop"); strings.Contains(fmt.Sprint(f.Objects), "select") {
		t.Errorf("more than the file allows: %v, but SELECT on what it allows is no more", f.Objects)
	}
	pgtest.Exec(t, admin, strings.Join(fixes, "\n"))
	own, apart := pgtest.Role(t, admin)
	pgtest.Exec(t, admin, "GRANT EXECUTE ON FUNCTION set_config TO "+own)
	found, _ = examine(t, append(env, "APART_URL="+apart))
	if found.find(warning, "role apart: ") == nil {
		t.Errorf("the login of role apart may nothing, and there is no word of it: %+v", found)
	}
	for _, w := range wants {
		still := strings.Contains(w.title, "does not exist") && w.object != "" || strings.Contains(w.title, "neither connection")
		if f := found.find(w.severity, w.title); (f != nil) != still {
			t.Errorf("after the SQL of the findings %q is there: %v, want %v", w.title, f, still)
		}
	}
	// The server works with set_config taken from all but its login.
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id := &postgres.SessionIdentity{SearchPath: "shop", DatabaseRole: taken}
	if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT count(*) FROM products", Identity: id}, nothing{}); err != nil {
		t.Errorf("a call as %s: %v", taken, err)
	}
	if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT set_config('role', 'none', true)", Identity: id}, nothing{}); err == nil {
		t.Error("set_config is still possible as the database role")
	}
}

// twoLogins are the settings of a server whose engineers take on a database role, and whose analysts have a login of their own.
func twoLogins(t *testing.T, url, ownURL, databaseRole string) []string {
	t.Helper()
	return []string{"DATABASE_URL=" + url, "OWN_URL=" + ownURL, "MCP_PERMISSIONS_FILE=" + permissionsFile(t, fmt.Sprintf(`
roles:
  engineer: {schemas: [shop], tables: "*", operations: [select], database_role: %s}
  analyst: {schemas: [shop], tables: "*", operations: [select], connection: OWN_URL}
users: {_default: analyst}
`, databaseRole))}
}

// TestDoctorSettings takes set_config from PUBLIC, as doctor says, where roles have logins of their own.
func TestDoctorSettings(t *testing.T) {
	admin, role, url := patient(t)
	own, ownURL := pgtest.Role(t, admin)
	taken := role + "_taken"
	pgtest.Exec(t, admin, fmt.Sprintf("CREATE ROLE %[1]s NOLOGIN; GRANT %[1]s TO %[2]s; GRANT USAGE ON SCHEMA shop TO %[1]s, %[3]s", taken, role, own))
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP OWNED BY "+taken+"; DROP ROLE "+taken) })
	env := twoLogins(t, url, ownURL, taken)
	found, status := examine(t, env)
	f := found.find(warning, taken+" can execute set_config")
	if status != 0 || f == nil {
		t.Fatalf("status %d, %+v, want a warning on set_config", status, found)
	}
	pgtest.Exec(t, admin, f.Fix)
	if found, status = examine(t, env); status != 0 || found.find(warning, taken+" can execute set_config") != nil || found.find(note, own+" can execute set_config") == nil {
		t.Errorf("after %s: status %d, %+v, want only the logins to have set_config", f.Fix, status, found)
	}
	// The logins work without it, too.
	pgtest.Exec(t, admin, "REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM "+own+", "+role)
	if found, status = examine(t, env); status != 0 {
		t.Errorf("logins without set_config: status %d, %+v", status, found)
	}
	db, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	id := &postgres.SessionIdentity{SearchPath: "shop", Sub: "x", DatabaseRole: taken}
	if _, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT current_setting('mcp.sub')", Identity: id, Application: "traced"}, nothing{}); err != nil {
		t.Errorf("a call as %s, of a login without set_config: %v", taken, err)
	}
}

// TestDoctorLoginTakenOn is a role of the file that takes on the login of another: it may keep set_config.
func TestDoctorLoginTakenOn(t *testing.T) {
	admin, role, url := patient(t)
	own, ownURL := pgtest.Role(t, admin)
	pgtest.Exec(t, admin, fmt.Sprintf("GRANT %s TO %s", own, role))
	env := twoLogins(t, url, ownURL, own)
	if found, _ := examine(t, env); found.find(note, own+" can execute set_config") == nil || found.find(warning, own+" can execute set_config") != nil {
		t.Errorf("a login that is taken on: %+v, want a note on set_config", found)
	}
}

// TestDoctorOfTheFirstSuperuser: PostgreSQL refuses to reassign what it owns, and to take its rights; what is printed works.
func TestDoctorOfTheFirstSuperuser(t *testing.T) {
	url := pgtest.NewCluster(t, demo.Config{}).AdminURL()
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE TABLE shop.orders (id int); CREATE VIEW shop."odd name" AS SELECT 1 AS one`)
	found, status := examine(t, []string{"DATABASE_URL=" + url})
	owns, superuser := found.find(warning, "owns what it works on"), found.find(danger, "is a superuser")
	if status != 1 || owns == nil || superuser == nil {
		t.Fatalf("doctor of a superuser: status %d, %+v", status, found)
	}
	pgtest.Exec(t, url, owns.Fix)
	pgtest.Exec(t, url, superuser.Fix)
	if found, _ := examine(t, []string{"DATABASE_URL=" + url}); found.find(warning, "owns what it works on") != nil {
		t.Errorf("after the fix %s: %+v", owns.Fix, found)
	}
}

// TestDoctorWithoutCatalog: what can't be examined is said, and the rest is examined.
func TestDoctorWithoutCatalog(t *testing.T) {
	admin, role, url := patient(t)
	pgtest.Exec(t, admin, "REVOKE SELECT ON pg_catalog.pg_class FROM PUBLIC; ALTER ROLE "+role+" CREATEDB")
	file := permissionsFile(t, "roles:\n  a: {schemas: [shop], tables: \"*\", operations: [select]}\nusers: {_default: a}\n")
	found, status := examine(t, []string{"DATABASE_URL=" + url}, "--permissions", file)
	f := found.find(warning, "not examined: what "+role+" owns and can use")
	if status != 1 || f == nil || !strings.Contains(f.Detail, "pg_class") || found.find(warning, "has CREATEDB") == nil ||
		found.find(danger, "not examined: the permissions file against the grants of "+role) == nil {
		t.Errorf("status %d, %+v, want what was not examined, and CREATEDB", status, found)
	}
	if _, status := examine(t, []string{"DATABASE_URL=" + url}); status != 0 {
		t.Errorf("status %d, though no danger can be in what was not examined", status)
	}
}

func TestDoctorRowSecurity(t *testing.T) {
	admin, role, url := patient(t)
	pgtest.Exec(t, admin, `CREATE TABLE shop.hidden (id int); CREATE TABLE shop.part (id int); CREATE TABLE shop.other (id int);
		ALTER TABLE shop.hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.part ENABLE ROW LEVEL SECURITY;
		CREATE POLICY own ON shop.part FOR SELECT USING (id = 1); CREATE POLICY writes ON shop.hidden FOR INSERT WITH CHECK (true);
		GRANT SELECT ON shop.hidden, shop.part, shop.other TO `+role)
	found, status := examine(t, []string{"DATABASE_URL=" + url}, "--strict")
	f := found.find(note, "row security bounds what "+role+" sees")
	if want := []string{"table shop.hidden: no policy lets it see a row", "table shop.part"}; status != 0 || f == nil || !slices.Equal(f.Objects, want) {
		t.Errorf("status %d, %+v, want a note on %q", status, found, want)
	}
	pgtest.Exec(t, admin, "ALTER TABLE shop.hidden OWNER TO "+role+"; ALTER TABLE shop.part DISABLE ROW LEVEL SECURITY")
	if found, _ := examine(t, []string{"DATABASE_URL=" + url}); found.find(note, "row security") != nil {
		t.Errorf("of an owner, whom row security does not bind: %+v", found)
	}
}

// nothing drops the rows of an answer.
type nothing struct{}

func (nothing) Columns([]postgres.Column) {}
func (nothing) Row([][]byte) bool         { return true }
