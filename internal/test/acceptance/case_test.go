// Package acceptance holds the project's attacks and its legitimate statements, as data files, against a real PostgreSQL
// reached as a superuser. A second superuser looks for effects. See testdata/README.md for the form of a case.
package acceptance_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// A suite is one data file.
type suite struct {
	// ReadOnly is the server's mode, Sub and Claims the caller of all its cases, Want what all its cases want.
	ReadOnly bool `yaml:"readonly"`
	Sub      string
	Claims   string
	Want     string
	Cases    []*kase
}

// A kase is one call and what must come of it.
type kase struct {
	Name string
	// Tool is query unless it is set; then Args are its arguments.
	Tool string
	Args map[string]any
	// SQL, Parameters, RowLimit and Format are the arguments of query. Raw replaces them all.
	SQL        string `yaml:"sql"`
	Parameters []any
	RowLimit   int `yaml:"row_limit"`
	Format     string
	Raw        string
	// Repeat replaces a word in the arguments by a text, repeated.
	Repeat map[string]struct {
		Text  string
		Times int
	}
	// Sub, Claims and Want win over the suite's.
	Sub, Claims, Want string
	// Wall names the one wall that must stop the case, where the other lets it pass by design.
	Wall string
	// Needs is an extension, Since and Until the first and the last version of PostgreSQL that have what the case is about.
	// Elsewhere the case is skipped.
	Needs        string
	Since, Until int
	// Contains and Omits are texts of the answer.
	Contains, Omits []string
	// Effect is SQL of one value that must be the same before and after, or Becomes after.
	Effect, Becomes string

	readOnly bool
}

// The wishes of a case: the guard refuses it before PostgreSQL sees it; it is an error, whoever finds it; it is served; it
// may be anything. None but served may change anything or show what is hidden.
const (
	wantRefused = "refused"
	wantError   = "error"
	wantServed  = "served"
	wantSafe    = "safe"
)

// hidden are texts that only those see who get at what they must not.
var hidden = []string{"CANARY-4f1c", "SECRET-", "90001", "80002", "hunter2"}

// load reads the data files that match the pattern.
func load(t *testing.T, pattern string) []*kase {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no data files %s: %v", pattern, err)
	}
	var all []*kase
	seen := map[string]bool{}
	for _, file := range files {
		for _, c := range read(t, file).Cases {
			c.Name = strings.TrimSuffix(filepath.Base(file), ".yaml") + "/" + c.Name
			if seen[c.Name] {
				t.Fatalf("%s: two cases are named %s", file, c.Name)
			}
			seen[c.Name] = true
			all = append(all, c)
		}
	}
	return all
}

func read(t *testing.T, file string) *suite {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(s); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, c := range s.Cases {
		c.readOnly = s.ReadOnly
		c.Sub, c.Claims, c.Want = or(c.Sub, s.Sub), or(c.Claims, s.Claims), or(c.Want, s.Want)
		c.Tool = or(c.Tool, "query")
		switch c.Want {
		case wantRefused, wantError, wantServed, wantSafe:
		default:
			t.Fatalf("%s: %s: want is %q", file, c.Name, c.Want)
		}
	}
	return s
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// arguments are the JSON arguments of the call; fill replaces the names of places.
func (c *kase) arguments(t *testing.T, fill *strings.Replacer) json.RawMessage {
	t.Helper()
	if c.Raw != "" {
		return json.RawMessage(c.repeated(c.Raw))
	}
	args := c.Args
	if c.Tool == "query" && args == nil {
		args = map[string]any{"sql": c.repeated(c.SQL)}
		for name, value := range map[string]any{"parameters": c.Parameters, "row_limit": c.RowLimit, "format": c.Format} {
			if text, err := json.Marshal(value); err == nil && string(text) != "null" && string(text) != "0" && string(text) != `""` {
				args[name] = value
			}
		}
	}
	if args == nil {
		args = map[string]any{}
	}
	raw, err := json.Marshal(args)
	if err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return json.RawMessage(fill.Replace(string(raw)))
}

func (c *kase) repeated(text string) string {
	for word, r := range c.Repeat {
		text = strings.ReplaceAll(text, word, strings.Repeat(r.Text, r.Times))
	}
	return text
}
