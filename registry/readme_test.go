package registry_test

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

var (
	readmeTool = regexp.MustCompile("(?s)<!-- tool: (\\S+) -->\n```sql\n(.*?)```")
	readmeCall = regexp.MustCompile("(?s)<!-- (call|text): (\\S+) (.*?) -->\n```(?:json|text)\n(.*?)\n```")
)

// TestReadme runs the tool and the calls that README.md and docs/tools.md show on the sample data.
func TestReadme(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	packs, err := os.ReadFile("../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	page = append(page, packs...)
	files := map[string]string{}
	for _, m := range readmeTool.FindAllStringSubmatch(string(page), -1) {
		files[m[1]] = m[2]
	}
	r := buildAll(t, registry.Config{DB: openDB(t, pgtest.Demo(t))}, files)
	calls := readmeCall.FindAllStringSubmatch(string(page), -1)
	if len(files) == 0 || len(calls) < 5 {
		t.Fatalf("the pages show %d tools and %d calls", len(files), len(calls))
	}
	for _, m := range calls {
		got, _ := call(t, r, m[2], m[3])
		if m[1] == "text" { // what a model reads
			res, err := r.Call(t.Context(), m[2], json.RawMessage(m[3]))
			if err != nil {
				t.Fatal(err)
			}
			got = text(t, res)
		}
		if got != m[4] {
			t.Errorf("%s %s = %s\nthe page shows %s", m[2], m[3], got, m[4])
		}
	}
}
