package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/config"
)

func base(file string) *config.Config {
	return &config.Config{Databases: file, TimeoutMS: 30_000, MaxRows: 1000, MaxBytes: 1_000_000, MaxReply: 25_000, MaxSQL: 32_768,
		PoolMax: 10, PoolIdle: 5 * time.Minute, HTTP: config.HTTP{Host: "localhost", Port: 8080, ShutdownTimeout: time.Second},
		Auth: config.Auth{CallerRate: 50, CallerConcurrent: 20}}
}

func parse(t *testing.T, text string, demo bool) ([]config.Database, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "databases.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := base(path)
	c.Demo = demo
	return c.AllDatabases()
}

func TestDatabases(t *testing.T) {
	t.Setenv("SHOP_URL", "postgres://shop")
	all, err := parse(t, `
databases:
  crm: {url: "postgres://crm", description: Contacts, read_only: true, toolsets: [explore, inspect], limits: {timeout: 5s, rows: 10, bytes: 2048}, pool: {min: 1, max: 3, idle: 1m}, password_command: [say, a, a], password_keep: 1m}
  shop: {url_env: SHOP_URL}
default: shop
`, true)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range all {
		names = append(names, d.Name)
	}
	crm := all[2].Settings
	switch {
	case strings.Join(crm.Command(), "|") != "say|a|a" || crm.PasswordKeep != time.Minute || all[0].Settings.Command() != nil:
		t.Errorf("crm = %+v, want its command", crm)
	case strings.Join(names, " ") != "shop demo crm" || !all[0].Main || all[1].Main:
		t.Errorf("databases = %v, want shop, the default, demo and crm", names)
	case all[0].Settings.Conn != "postgres://shop" || all[0].Settings.PoolMax != 10 || all[0].Settings.Demo || !all[1].Settings.Demo:
		t.Errorf("shop = %+v, demo = %+v", all[0].Settings, all[1].Settings)
	case !crm.ReadOnly || crm.TimeoutMS != 5000 || crm.MaxRows != 10 || crm.MaxBytes != 2048 || crm.PoolMin != 1 || crm.PoolMax != 3 ||
		crm.PoolIdle != time.Minute || strings.Join(crm.Toolsets, " ") != "explore inspect" || all[2].Description != "Contacts":
		t.Errorf("crm = %+v", crm)
	}
}

func TestDatabasesFaults(t *testing.T) {
	t.Setenv("EMPTY_URL", "")
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{":1:1: the file is empty: want databases"}},
		{"no databases", "default: a", []string{"databases is missing: want at least one"}},
		{"none in it", "databases: {}", []string{"databases is missing: want at least one"}},
		{"a list", "databases: [a]", []string{"databases is a list: want names of databases with their settings"}},
		{"unknown key", "databases: {a: {ulr: x}}", []string{`unknown key "ulr" in database "a": did you mean "url"?`}},
		{"no url", "databases: {a: {}}", []string{":1:13: want either url, a connection string, or url_env"}},
		{"two urls", "databases: {a: {url: x, url_env: Y}}", []string{"want either url"}},
		{"variable not set", "databases: {a: {url_env: EMPTY_URL}}", []string{"url_env EMPTY_URL: the environment variable is not set"}},
		{"password as a name", "databases: {a: {url_env: 'postgres://u:secret@h/d'}}", []string{"url_env holds something else than a name"}},
		{"name", "databases: {My DB: {url: x}}", []string{`database "My DB": want a name of lowercase letters`}},
		{"twice", "databases:\n  a: {url: x}\n  a: {url: y}", []string{`:3:3: key "a" is in databases twice`}},
		{"no default", "databases: {a: {url: x}, b: {url: y}}", []string{"default is missing: want the name of the database that is meant"}},
		{"another default", "databases: {shop: {url: x}, b: {url: y}}\ndefault: shpo", []string{`:2:10: default "shpo" is none of the databases: did you mean "shop"?`}},
		{"limits", "databases: {a: {url: x, limits: {timeout: 5}}}", []string{"timeout is the number 5: want a duration"}},
		{"pool", "databases: {a: {url: x, pool: {min: 20}}}", []string{"pool has min 20 and max 10: want min to be at most max"}},
		{"two passwords", "databases: {a: {url: x, password_command: [a], password_file: b}}", []string{"are both there: want one of them"}},
		{"command as a text", "databases: {a: {url: x, password_command: aws rds}}", []string{`password_command is "aws rds": want a list`}},
		{"rows", "databases: {a: {url: x, limits: {rows: 1000000}}}", []string{"rows is 1000000: want 1 to 100000"}},
		{"read_only", "databases: {a: {url: x, read_only: perhaps}}", []string{`read_only is "perhaps": want true or false`}},
		{"several", "databases: {a: {url: x, pol: {}}, b: {}}\ndefault: a", []string{`unknown key "pol"`, "want either url"}},
	} {
		_, err := parse(t, test.text, false)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %q", test.name, err, want)
			}
		}
	}
	if _, err := parse(t, "databases: {demo: {url: x}}", true); err == nil || !strings.Contains(err.Error(), "is the name of the one that --demo brings") {
		t.Errorf("demo twice: %v", err)
	}
	both := base("x.yaml")
	both.Conn = "postgres://x"
	if err := both.Validate(); err == nil || !strings.Contains(err.Error(), "are both set: want one of them") {
		t.Errorf("--conn and --databases: %v", err)
	}
	if _, err := base("/none/x.yaml").AllDatabases(); err == nil || !strings.Contains(err.Error(), "--databases (MCP_DATABASES_FILE)") {
		t.Errorf("no file: %v", err)
	}
}
