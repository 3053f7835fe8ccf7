package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"mcp-postgres/internal/config"
)

var (
	envName  = regexp.MustCompile(`\b(?:MCP|POSTGRES)_[A-Z_]+`)
	mounted  = regexp.MustCompile(`(?:mountPath: |- \./\w+:)(/[\w/-]+)`)
	pathIn   = regexp.MustCompile(`(?m)_(?:DIR|FILE)(?:: |, value: )(/[\w/.-]+)`)
	flagName = regexp.MustCompile(`(?:mcp-postgres|args: \[|CMD \["|, |")--([a-z-]+)`)
)

// TestDeployNamesSettings keeps deploy/ in step with the settings.
func TestDeployNamesSettings(t *testing.T) {
	parser, err := kong.New(new(cli))
	if err != nil {
		t.Fatal(err)
	}
	known, flags := []string{"POSTGRES_PASSWORD"}, []string{} // of PostgreSQL's own image
	for _, f := range parser.Model.Flags {
		known, flags = append(known, f.Envs...), append(flags, f.Name)
	}
	for _, name := range []string{"Dockerfile", "compose.yaml", "kubernetes.yaml", "mcp-postgres.service", "mcpb/manifest.json"} {
		text, err := os.ReadFile(filepath.Join("../../deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, env := range envName.FindAllString(string(text), -1) {
			if !slices.Contains(known, env) {
				t.Errorf("deploy/%s has %s, which is no setting", name, env)
			}
		}
		var used []string
		for _, m := range pathIn.FindAllStringSubmatch(string(text), -1) {
			used = append(used, m[1])
		}
		for _, m := range mounted.FindAllStringSubmatch(string(text), -1) {
			if !slices.ContainsFunc(used, func(path string) bool { return path == m[1] || strings.HasPrefix(path, m[1]+"/") }) {
				t.Errorf("deploy/%s mounts %s, which no setting names", name, m[1])
			}
		}
		if name == "Dockerfile" || name == "kubernetes.yaml" || name == "mcp-postgres.service" {
			for _, m := range flagName.FindAllStringSubmatch(string(text), -1) {
				if !slices.Contains(flags, m[1]) && m[1] != "from-literal" {
					t.Errorf("deploy/%s has --%s, which is no flag", name, m[1])
				}
			}
		}
	}
}

// TestReadmeNamesGo holds README.md against go.mod.
func TestReadmeNamesGo(t *testing.T) {
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(module))
	if want == nil || !strings.Contains(string(text), "need Go "+want[1]+" or later") {
		t.Errorf("README.md does not name the version of Go in go.mod, %v", want)
	}
}

// TestBundle: who installs the bundle gives a secret, and a server that only reads.
func TestBundle(t *testing.T) {
	text, err := os.ReadFile("../../deploy/mcpb/manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Server struct {
			Config struct{ Env map[string]string } `json:"mcp_config"`
		}
		Asks map[string]struct {
			Type                string
			Sensitive, Required bool
			Default             any
		} `json:"user_config"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	env, url, readOnly := manifest.Server.Config.Env, manifest.Asks["database_url"], manifest.Asks["read_only"]
	if env["DATABASE_URL"] != "${user_config.database_url}" || !url.Sensitive || !url.Required {
		t.Errorf("database_url is %+v, want it asked for, as a secret", url)
	}
	if env["POSTGRES_READONLY"] != "${user_config.read_only}" || readOnly.Type != "boolean" || readOnly.Default != true {
		t.Errorf("read_only is %+v, want it true by default", readOnly)
	}
	for name, value := range env {
		if key, ok := strings.CutPrefix(value, "${user_config."); !ok || manifest.Asks[strings.TrimSuffix(key, "}")].Type == "" {
			t.Errorf("%s is %s, which nobody is asked for", name, value)
		}
	}
}

// TestReadmeNamesSettings looks in the table of the README for what sets up a server.
func TestReadmeNamesSettings(t *testing.T) {
	parser, err := kong.New(new(cli))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"`" + config.TokenVariable + "`"}
	for _, f := range slices.Concat(parser.Model.Flags, parser.Model.DefaultCmd.Flags) {
		if len(f.Envs) > 0 {
			want = append(want, "| `--"+f.Name+"` | `"+strings.Join(f.Envs, "`, `")+"` |")
		}
	}
	_, table, _ := strings.Cut(string(text), "<!-- generated settings -->")
	for _, row := range want {
		if !strings.Contains(table, row) {
			t.Errorf("the table of settings in README.md has no %s", row)
		}
	}
}
