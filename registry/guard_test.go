package registry_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/pgtest"
	"mcp-postgres/registry"
)

// guardCase is a statement of testdata/guard, what the answer must hold and what a second connection must see after it.
type guardCase struct {
	Name, Role, SQL, Want string
	Check                 string // a query that must give "true" afterwards
}

type guardCases struct {
	Setup          string
	Refuse, Answer []guardCase
}

func readCases(t *testing.T, path string) guardCases {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var c guardCases
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return c
}

// TestGuardReadOnly has a superuser's login: nothing but the guard and the transaction stands before the server.
func TestGuardReadOnly(t *testing.T) {
	url := pgtest.URL(t)
	c := readCases(t, "testdata/guard_readonly.yaml")
	pgtest.Exec(t, url, c.Setup)
	r := build(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	const state = "SELECT concat_ws(' ', (SELECT count(*) FROM pg_class WHERE oid >= 16384), (SELECT md5(string_agg(o::text, ',' ORDER BY id)) FROM shop.orders o), " +
		"(SELECT last_value FROM shop.numbers), (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_replication_slots))"
	before := pgtest.Value(t, url, state)
	for _, test := range c.Refuse {
		t.Run("refuse "+test.SQL, func(t *testing.T) {
			args, _ := json.Marshal(map[string]string{"sql": test.SQL})
			got, isError := call(t, r, "query", string(args))
			if !isError || !strings.Contains(got, `"code":"read_only"`) && test.Want == "" || !strings.Contains(got, test.Want) {
				t.Errorf("%s = %s\nwant it refused (%s)", test.SQL, got, test.Want)
			}
		})
	}
	if after := pgtest.Value(t, url, state); after != before {
		t.Errorf("the database has changed: %s, before %s", after, before)
	}
	for _, test := range c.Answer {
		t.Run("answer "+test.SQL, func(t *testing.T) {
			args, _ := json.Marshal(map[string]string{"sql": test.SQL, "format": "csv"})
			if got, isError := call(t, r, "query", string(args)); isError || !strings.Contains(got, test.Want) {
				t.Errorf("%s = %s\nwant an answer with %q", test.SQL, got, test.Want)
			}
		})
	}
}
