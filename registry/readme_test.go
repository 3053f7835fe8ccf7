package registry_test

import (
	"os"
	"regexp"
	"testing"

	"mcp-postgres/internal/pgtest"
	"mcp-postgres/registry"
)

var (
	readmeTool = regexp.MustCompile("(?s)<!-- tool: (\\S+) -->\n```sql\n(.*?)```")
	readmeCall = regexp.MustCompile("(?s)<!-- call: (\\S+) (.*?) -->\n```json\n(.*?)\n```")
)

// TestReadme runs the tool and the calls that README.md and docs/tools.md show on the sample data.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	packs, err := os.ReadFile("../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, packs...)
	files := map[string]string{}
	for _, m := range readmeTool.FindAllStringSubmatch(string(text), -1) {
		files[m[1]] = m[2]
	}
	r := buildAll(t, registry.Config{DB: openDB(t, pgtest.Demo(t))}, files)
	calls := readmeCall.FindAllStringSubmatch(string(text), -1)
	if len(files) == 0 || len(calls) < 5 {
		t.Fatalf("the pages show %d tools and %d calls", len(files), len(calls))
	}
	for _, m := range calls {
		if got, _ := call(t, r, m[1], m[2]); got != m[3] {
			t.Errorf("%s %s = %s\nthe page shows %s", m[1], m[2], got, m[3])
		}
	}
}
