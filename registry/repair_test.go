package registry_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/sqlscan"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// TestWrongCalls: of calls that are wrong nearly all are answered with what the next one needs.
func TestWrongCalls(t *testing.T) {
	text, err := os.ReadFile("testdata/wrong_calls.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var calls []struct {
		Tool, Args string
		Says       []string
		Right      bool // the call is understood
	}
	if err := yaml.Unmarshal(text, &calls); err != nil {
		t.Fatal(err)
	}
	if len(calls) < 60 {
		t.Errorf("%d calls, want 60 or more", len(calls))
	}
	db := openDB(t, pgtest.Demo(t))
	for name, r := range map[string]*registry.Registry{
		"writing":   buildAll(t, registry.Config{DB: db}, nil),
		"read only": buildAll(t, registry.Config{DB: db, ReadOnly: true}, nil),
	} {
		for _, c := range calls {
			if name == "read only" && (strings.Contains(c.Args, "UPDATE") || strings.Contains(c.Args, "INSERT INTO")) {
				continue // refused as such
			}
			got, wrong := "", true
			if res, err := r.Call(t.Context(), c.Tool, json.RawMessage(c.Args)); err != nil {
				got = err.Error()
			} else {
				got, wrong = strings.Join(res.Texts, "\n"), res.Err != nil
			}
			if wrong == c.Right {
				t.Errorf("%s: %s(%s) = %.300s, want an error: %v", name, c.Tool, c.Args, got, !c.Right)
			}
			for _, want := range c.Says {
				if !strings.Contains(got, want) {
					t.Errorf("%s: %s(%s) = %.400s, want %q in it", name, c.Tool, c.Args, got, want)
				}
			}
		}
	}
}

// TestRepairUnderPermissions: an error names no column, table or value that the caller may not see.
func TestRepairUnderPermissions(t *testing.T) {
	url := pgtest.URL(t)
	pgtest.Exec(t, url, `CREATE SCHEMA shop; CREATE SCHEMA hr; CREATE TYPE shop.mood AS ENUM ('good', 'bad'); CREATE TYPE hr.rank AS ENUM ('boss', 'clerk');
		CREATE TABLE shop.item (label text, mood shop.mood, rank hr.rank); CREATE TABLE shop.other (hidden_note text); CREATE TABLE hr.item (salary int)`)
	r := build(t, registry.Config{DB: openDB(t, url)}, map[string]string{
		"x/moods.sql": "/*---\ndescription: x\ntrust: owner\nparams: [{name: mood, type: string, required: true}]\n---*/\nSELECT label FROM shop.item WHERE mood = @mood::text::shop.mood",
	})
	role := &guard.Role{Name: "clerk", Schemas: []string{"shop"}, Tables: []guard.Table{{Schema: "shop", Name: "item"}}, Operations: sqlscan.OpSelect, AllTools: true}
	ctx := guard.WithCaller(t.Context(), &guard.Caller{Sub: "alice", Role: role})
	for _, test := range []struct{ tool, args, has, hasNot string }{
		{"query", `{"sql": "SELECT zzz FROM item"}`, "label, mood, rank", "salary"},
		{"query", `{"sql": "SELECT zzz FROM item JOIN other ON true"}`, "", "hidden_note"},
		{"query", `{"sql": "SELECT label FROM item WHERE mood = 'goood'"}`, "good", ""},
		{"query", `{"sql": "SELECT label FROM item WHERE rank = 'bss'"}`, "", "boss"},
		{"query", `{"sql": "SELECT 'bss'::hr.rank"}`, "", "boss"},
		{"moods", `{"mood": "goood"}`, "good, bad", ""},
	} {
		res, err := r.Call(ctx, test.tool, json.RawMessage(test.args))
		if err != nil || res.Err == nil {
			t.Fatalf("%s(%s) = %+v, %v, want an error", test.tool, test.args, res, err)
		}
		if got := strings.Join(res.Texts, "\n"); !strings.Contains(got, test.has) || test.hasNot != "" && strings.Contains(got, test.hasNot) {
			t.Errorf("%s(%s) = %s, want %q and not %q", test.tool, test.args, got, test.has, test.hasNot)
		}
	}
}
