package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcp-postgres/internal/test/pgtest"
)

func TestCommandLine(t *testing.T) {
	db := "DATABASE_URL=" + pgtest.Demo(t)
	tests := []struct {
		name     string
		env      []string
		args     []string
		status   int
		out, err string // what is in them
	}{
		{"version", nil, []string{"version"}, 0, "mcp-postgres ", ""},
		{"version as a flag", nil, []string{"--version"}, 0, "mcp-postgres ", ""},
		{"help", nil, []string{"--help"}, 0, "mcp-postgres --demo call describe_table", ""},
		{"tools", nil, []string{"tools"}, 0, "describe_table", ""},
		{"one tool", nil, []string{"tools", "list_tables"}, 0, "FROM", ""},
		{"one tool as JSON", nil, []string{"tools", "list_tables", "--json"}, 0, `"output":`, ""},
		{"call", []string{db}, []string{"call", "list_tables", "name_pattern=orders"}, 0, "orders", ""},
		{"call as JSON", []string{db}, []string{"call", "list_tables", "name_pattern=orders", "table_types=table,view", "--json"}, 0, `{"items":[{"schema":"shop"`, ""},
		{"query", []string{db}, []string{"call", "query", "sql=SELECT $1::int + 1 AS n", "parameters=[41]"}, 0, "| 42 |", ""},
		{"query as JSON", []string{db}, []string{"call", "query", "sql=SELECT 1 AS n", "--json"}, 0, `{"items":[{"n":1}]}`, ""},
		{"arguments as JSON", []string{db}, []string{"call", "query", `{"sql": "SELECT 7"}`}, 0, "| 7 |", ""},
		{"notices", []string{db}, []string{"call", "query", "sql=DROP TABLE IF EXISTS nowhere"}, 0, "NOTICE: table \"nowhere\" does not exist, skipping", ""},
		{"no database", nil, []string{"call", "list_tables"}, 1, "No database is connected", ""},
		{"query without a database", nil, []string{"call", "query", "sql=SELECT 1"}, 1, "No database is connected", ""},
		{"server_info without a database", nil, []string{"call", "server_info"}, 0, "mcp-postgres", ""},
		{"error", []string{db}, []string{"call", "describe_table", "table_name=oders"}, 1, "", "Did you mean orders?"},
		{"error as JSON", []string{db}, []string{"call", "describe_table", "table_name=oders", "--json"}, 1, `"code":"not_found"`, ""},
		{"bad argument", []string{db}, []string{"call", "list_tables", "page_size=many"}, 1, "", `page_size: "many" is not an integer`},
		{"unknown argument", []string{db}, []string{"call", "list_tables", "shema=x"}, 1, "", `unknown argument "shema": did you mean "schema"?`},
		{"no value", nil, []string{"call", "list_tables", "schema"}, 1, "", `argument "schema": want name=value`},
		{"unknown tool", nil, []string{"call", "lst_tables"}, 1, "", `unknown tool "lst_tables": did you mean "list_tables"?`},
		{"unknown flag", nil, []string{"--prot", "1"}, 2, "", "unknown flag --prot"},
		{"unknown command", nil, []string{"srve"}, 2, "", `unexpected argument srve: did you mean "serve"?`},
		{"unknown command after flags", nil, []string{"--read-only", "tols", "query"}, 2, "", `unexpected argument tols: did you mean "tools"?`},
		{"no such command", nil, []string{"zzz"}, 2, "", "unexpected argument zzz\n"},
		{"a connection string without its flag", nil, []string{"postgres://u:s3cret@h/d"}, 2, "", "a connection string is given by --conn or DATABASE_URL"},
		{"pairs without their flag", nil, []string{"host=h password=a s3cret=x"}, 2, "", "a connection string is given by --conn or DATABASE_URL"},
		{"unfilled variables", []string{"DATABASE_URL=${user_config.database_url}", "POSTGRES_READONLY=${user_config.read_only}", "MCP_TOOLS_DIR=${user_config.tools}"},
			[]string{"call", "list_tables"}, 1, "No database is connected", ""},
		{"unfilled arguments", nil, []string{"--conn", "${user_config.database_url}", "--pool-max=${user_config.pool}", "call", "list_tables"}, 1, "No database is connected", ""},
		{"unfilled variables are logged", []string{"DATABASE_URL=${user_config.database_url}", "MCP_POOL_MAX=", "PGPASSWORD=${user_config.password}"}, nil, 0, "",
			`msg="settings without a value count as unset" names="DATABASE_URL, MCP_POOL_MAX, PGPASSWORD"`},
		{"unfilled arguments are logged", nil, []string{"--conn", "${user_config.database_url}", "--pool-max=${user_config.pool}"}, 0, "", `names="--conn, --pool-max"`},
		{"read only, unfilled", []string{"POSTGRES_READONLY=${user_config.read_only}"}, nil, 0, "", "read_only=true"},
		{"read only, empty", []string{"POSTGRES_READONLY="}, nil, 0, "", "read_only=true"},
		{"read only, unfilled is said", []string{"POSTGRES_READONLY="}, []string{"call", "list_tables"}, 1, "", "read-only mode is on: POSTGRES_READONLY or --read-only came without a value"},
		{"read only, no argument", nil, []string{"--read-only", "${user_config.read_only}"}, 0, "", "read_only=true"},
		{"read only, an empty argument", nil, []string{"--read-only", ""}, 0, "", "read_only=true"},
		{"read only, no value", []string{"POSTGRES_READONLY=false"}, []string{"--read-only=${user_config.read_only}"}, 0, "", "read_only=true"},
		{"read only, an empty value", nil, []string{"--read-only="}, 0, "", "read_only=true"},
		{"read only, absent", nil, nil, 0, "", "read_only=false"},
		{"read only, false", []string{"POSTGRES_READONLY=false"}, nil, 0, "", "read_only=false"},
		{"read only, false as a flag", []string{"POSTGRES_READONLY=${user_config.read_only}"}, []string{"--read-only=false"}, 0, "", "read_only=false"},
		{"another placeholder", []string{"DATABASE_URL=${DATABASE_URL}"}, []string{"tools"}, 1, "", "a placeholder that nothing has filled in"},
		{"an argument too many", nil, []string{"version", "tols"}, 2, "", "unexpected argument tols\n"},
		{"bad number", []string{"MCP_POOL_MAX=many"}, []string{"tools"}, 2, "", `MCP_POOL_MAX="many"`},
		{"bad switch", []string{"POSTGRES_READONLY=perhaps"}, []string{"tools"}, 2, "", `POSTGRES_READONLY="perhaps"`},
		{"bad range", []string{"POSTGRES_STATEMENT_TIMEOUT_MS=0"}, []string{"tools"}, 2, "", "POSTGRES_STATEMENT_TIMEOUT_MS) is 0: want 1 to 86400000"},
		{"SQL bytes", []string{"MCP_MAX_SQL_BYTES=1023"}, []string{"tools"}, 2, "", "--max-sql-bytes (MCP_MAX_SQL_BYTES) is 1023: want 1024 to 131072"},
		{"more SQL than the parser takes", []string{"MCP_MAX_SQL_BYTES=131073"}, []string{"tools"}, 2, "", "--max-sql-bytes (MCP_MAX_SQL_BYTES) is 131073: want 1024 to 131072"},
		{"pool", nil, []string{"--pool-min", "5", "--pool-max", "2", "tools"}, 2, "", "--pool-min (MCP_POOL_MIN) is 5: want at most --pool-max"},
		{"a small pool", nil, []string{"--pool-max", "1", "tools"}, 0, "list_tables", ""},
		{"a small pool that contradicts", nil, []string{"--pool-min", "2", "--pool-max", "1", "tools"}, 2, "", "--pool-min (MCP_POOL_MIN) is 2: want at most --pool-max"},
		{"transport", []string{"MCP_TRANSPORT=http"}, []string{"tools"}, 2, "", `--transport must be one of "stdio","streamable-http","sse" but got "http"`},
		{"port", []string{"MCP_PORT=70000"}, []string{"tools"}, 2, "", "--port (MCP_PORT) is 70000: want 0 to 65535"},
		{"half of TLS", nil, []string{"--tls-cert", "x", "tools"}, 2, "", "--tls-key (MCP_TLS_KEY): want both or none"},
		{"origin", nil, []string{"--allowed-origins", "example.com", "tools"}, 2, "", `has "example.com": want scheme://host`},
		{"hosts", nil, []string{"--allowed-hosts", "db.example.com,db.example.com:8443,[::1]:8443,*", "tools"}, 0, "list_tables", ""},
		{"a URL as a host", nil, []string{"--allowed-hosts", "http://db.example.com", "tools"}, 2, "", `--allowed-hosts (MCP_ALLOWED_HOSTS) has "http://db.example.com": want a name, name:port or *`},
		{"a pattern of hosts", []string{"MCP_ALLOWED_HOSTS=*.example.com"}, []string{"tools"}, 2, "", `has "*.example.com": want a name`},
		{"a space before a host", nil, []string{"--allowed-hosts", "a, b", "tools"}, 2, "", `has " b": want a name`},
		{"SQL of no audit", []string{"MCP_AUDIT_SQL=true"}, []string{"tools"}, 2, "", "--audit-sql (MCP_AUDIT_SQL) is set without --audit (MCP_AUDIT)"},
		{"shutdown timeout", nil, []string{"--shutdown-timeout", "0s", "tools"}, 2, "", "--shutdown-timeout (MCP_SHUTDOWN_TIMEOUT) is 0s: want 1s to 1h"},
		{"strangers", nil, []string{"--transport", "sse", "--host", "0.0.0.0"}, 1, "", "there is no authentication"},
		{"authentication", []string{"MCP_AUTH_ISSUER=https://id.example.com"}, []string{"serve"}, 1, "", "MCP_AUTH_ISSUER is set without MCP_AUTH_AUDIENCE"},
		{"empty variables", []string{"MCP_POOL_MAX=", "POSTGRES_READONLY="}, []string{"version"}, 0, "mcp-postgres ", ""},
		{"an empty variable of serve", []string{"MCP_STRICT="}, nil, 0, "", "msg=serving"},
		{"connection string", []string{"DATABASE_URL=postgres://u:s3cret@h:port/d"}, []string{"call", "list_tables"}, 1, "", "connection string: the port is not a number"},
		{"demo and conn", nil, []string{"--demo", "--conn", "x", "tools"}, 2, "", "--demo and --conn: want one of them"},
		{"toolset", nil, []string{"--toolsets", "explor", "tools"}, 1, "", `--toolsets (MCP_TOOLSETS) names "explor": did you mean "explore"?`},
		{"no such toolset", nil, []string{"--toolsets", "zzz", "tools"}, 1, "", `--toolsets (MCP_TOOLSETS) names "zzz": want some of explore, health`},
		{"enabled", nil, []string{"--toolsets", "explore", "--enable", "query", "tools"}, 0, "list_tables", ""},
		{"enabled, unknown", []string{"MCP_TOOLS_ENABLE=list_tabels"}, []string{"tools"}, 1, "", `--enable (MCP_TOOLS_ENABLE) names "list_tabels": did you mean "list_tables"?`},
		{"disabled, unknown", nil, []string{"--disable", "qery", "tools"}, 1, "", `--disable (MCP_TOOLS_DISABLE) names "qery": did you mean "query"?`},
		{"disabled", nil, []string{"--disable", "query", "--disable", "list_tables", "call", "query", "sql=SELECT 1"}, 1, "", `unknown tool "query"`},
		{"both", nil, []string{"--disable", "query", "--enable", "query", "tools"}, 1, "", `both name "query"`},
		{"tools folder", nil, []string{"--tools", "nowhere", "tools"}, 1, "", `--tools (MCP_TOOLS_DIR) is "nowhere": want a folder`},
		{"read only", []string{db, "POSTGRES_READONLY=true"}, []string{"call", "query", "sql=DELETE FROM orders"}, 1, "", "is not possible in read-only mode"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := cliRun(t, test.env, test.args...)
			if got.status != test.status || !strings.Contains(got.out, test.out) || !strings.Contains(got.err, test.err) {
				t.Errorf("%v: status %d, out %q, err %q\nwant status %d, out %q, err %q",
					test.args, got.status, got.out, got.err, test.status, test.out, test.err)
			}
			if strings.Contains(got.out+got.err, "s3cret") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestOperatorTools(t *testing.T) {
	db := "DATABASE_URL=" + pgtest.Demo(t)
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sales/orders_by_status.sql", "/*---\ndescription: Orders by status.\n---*/\nSELECT status, count(*) AS orders FROM orders GROUP BY status")
	write("own.sql", "/*---\ndescription: One.\n---*/\nSELECT 1 AS one")
	write("explore/db_identity.sql", "/*---\ndescription: Ours.\nresult: object\n---*/\nSELECT 'ours' AS database")
	if got := cliRun(t, []string{db}, "--tools", dir, "call", "orders_by_status", "--json"); !strings.Contains(got.out, `{"status":"pending","orders":`) {
		t.Errorf("orders_by_status = %+v", got)
	}
	if got := cliRun(t, []string{db, "MCP_TOOLS_DIR=" + dir}, "call", "db_identity", "--json"); got.out != "{\"database\":\"ours\"}\n" {
		t.Errorf("the operator's db_identity = %+v, want it to replace the built-in one", got)
	}
	write("sales/labels.sql", "/*---\ndescription: Labels.\nparams: [{name: doc, type: json, default: {a: [1]}}, {name: tags, type: 'string[]', default: [x]}]\n---*/\nSELECT @doc AS doc, @tags AS tags LIMIT 1")
	if got := cliRun(t, nil, "--tools", dir, "tools", "labels"); !strings.Contains(got.out, `default {"a":[1]}`) || !strings.Contains(got.out, `default ["x"]`) {
		t.Errorf("tools labels = %+v, want its defaults as JSON", got)
	}
	var shown struct {
		Toolset string
		Output  json.RawMessage
	}
	got := cliRun(t, []string{db}, "--tools", dir, "tools", "orders_by_status", "--json")
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	if shown.Toolset != "sales" || !strings.Contains(string(shown.Output), "shipped, delivered,") {
		t.Errorf("tools orders_by_status = %+v, want toolset sales and the labels of the enum", got.out)
	}
	if got := cliRun(t, []string{db}, "--tools", dir, "--toolsets", "custom", "tools"); !strings.Contains(got.out, "own") || strings.Contains(got.out, "list_tables") {
		t.Errorf("--toolsets custom gives\n%s", got.out)
	}
	write("own.sql", "/*---\ndescription: One.\n---*/\nSELECT colour FROM orders")
	if got := cliRun(t, []string{db}, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, "own.sql:4:8: column \"colour\" does not exist") {
		t.Errorf("a tool that the database refuses = %+v", got)
	}
	for text, want := range map[string]string{
		"page: {key: [nope]}\n---*/\nSELECT 1 AS one":                                                                `own.sql:3:13: page key "nope" is no column of the answer`,
		"result: value\n---*/\nSELECT 1 AS one, 2 AS two":                                                            "own.sql:3:9: result value: the statement gives 2 columns: want one",
		"params: [{name: a, type: string}]\nnot_found: {message: \"{a}\", suggest: SELECT b}\n---*/\nSELECT @a AS a": `own.sql:4:38: not_found.suggest: column "b" does not exist`,
	} {
		write("own.sql", "/*---\ndescription: One.\n"+text)
		if got := cliRun(t, []string{db}, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, want) {
			t.Errorf("%q = %+v, want %s", text, got, want)
		}
	}
	write("own.sql", "/*---\ndescripton: One.\n---*/\nSELECT 1")
	if got := cliRun(t, nil, "--tools", dir, "tools"); got.status != 1 || !strings.Contains(got.err, `own.sql:2:1: unknown key "descripton"`) {
		t.Errorf("a bad file = %+v", got)
	}
}
