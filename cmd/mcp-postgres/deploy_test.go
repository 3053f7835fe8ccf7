package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	envName  = regexp.MustCompile(`\b(?:MCP|POSTGRES)_[A-Z_]+`)
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
		if name == "Dockerfile" || name == "kubernetes.yaml" || name == "mcp-postgres.service" {
			for _, m := range flagName.FindAllStringSubmatch(string(text), -1) {
				if !slices.Contains(flags, m[1]) && m[1] != "from-literal" {
					t.Errorf("deploy/%s has --%s, which is no flag", name, m[1])
				}
			}
		}
	}
}
