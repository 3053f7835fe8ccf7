package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const rolesWithTools = `
roles: {a: {schemas: [shop], tables: "*", operations: [select], tools: [query, own, "toolset:custom", "toolset:health", TOOLS]}}
users: {ann: a}
`

// ownTools is a folder with the tool own.
func ownTools(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "own.sql")
	if err := os.WriteFile(file, []byte("/*---\ndescription: One.\naccess: write\n---*/\nSELECT 1 AS one"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// TestWarnOfTools starts with permissions that name tools that do not exist, and changes them and the tools.
func TestWarnOfTools(t *testing.T) {
	issuer := newTokenIssuer(t)
	dir, file := ownTools(t)
	permissions := permissionsFile(t, strings.ReplaceAll(rolesWithTools, "TOOLS", `nosuch, "toolset:nope"`))
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	told := func(tools string) int {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), `level=WARN msg="permissions name tools that do not exist" role=a tools=`+tools+"\n")
	}
	token := "MCP_AUTH_TOKEN=" + strings.TrimPrefix(issuer.header(t, "ann", time.Now().Add(time.Hour)), "Bearer ")
	s := talk(t, command(t, append(issuer.env(permissions), token), "--tools", dir), log)
	s.request(hello)
	const first, misspelt, gone = `"nosuch, toolset:nope"`, `"qery: did you mean \"query\"?, health: did you mean \"toolset:health\"?"`,
		`"own, toolset:custom, qery: did you mean \"query\"?, health: did you mean \"toolset:health\"?"`
	if got := told(first); got != 1 {
		t.Errorf("at the start the log has %d warnings of %s, want one", got, first)
	}
	if err := os.WriteFile(permissions, []byte(strings.ReplaceAll(rolesWithTools, "TOOLS", "qery, health")), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the other names are told", func() bool { return told(misspelt) == 1 })
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the tool that is gone is told", func() bool { return told(gone) == 1 })
	if told(first) != 1 || told(misspelt) != 1 {
		t.Error("what has been told is told again")
	}
}

// TestDoctorTools looks for tools that do not exist, and for those that are not offered.
func TestDoctorTools(t *testing.T) {
	_, _, url := patient(t)
	dir, _ := ownTools(t)
	path := permissionsFile(t, strings.ReplaceAll(rolesWithTools, "TOOLS", `list_tables, "toolset:explore", qery, "toolset:nope", server_info`))
	const unknown, left = "role a: the permissions file names a tool that does not exist", "role a: the permissions file names a tool that is not offered"
	env := []string{"DATABASE_URL=" + url, "MCP_PERMISSIONS_FILE=" + path, "MCP_TOOLS_DIR=" + dir}
	for _, test := range []struct {
		name, env string
		left      []string
	}{
		{"as it is", "", []string{"toolset:health"}},
		{"a toolset more", "MCP_TOOLSETS=explore,custom,health", nil},
		{"a tool of it", "MCP_TOOLS_ENABLE=cache_hit", nil},
		{"a tool less", "MCP_TOOLS_DISABLE=server_info", []string{"toolset:health", "server_info"}},
		{"read only", "POSTGRES_READONLY=true", []string{"own", "toolset:custom", "toolset:health"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, status := examine(t, slices.DeleteFunc(append(slices.Clone(env), test.env), func(e string) bool { return e == "" }))
			f := found.find(warning, unknown)
			if want := []string{`qery: did you mean "query"?`, "toolset:nope"}; status != 0 || f == nil || !slices.Equal(f.Objects, want) {
				t.Errorf("status %d, unknown are %+v, want %q", status, f, want)
			}
			if f := found.find(note, left); (f != nil) != (test.left != nil) || f != nil && !slices.Equal(f.Objects, test.left) {
				t.Errorf("not offered are %+v, want %q", f, test.left)
			}
		})
	}
}
