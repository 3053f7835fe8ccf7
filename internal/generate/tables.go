package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"mcp-postgres/internal/config"
	"mcp-postgres/registry"
)

// writeTables writes the tables of README.md and docs/tools.md.
func writeTables(root string, reg *registry.Registry) error {
	settings, err := settingsTable()
	if err != nil {
		return err
	}
	err = writePage(filepath.Join(root, "README.md"),
		map[string]string{"tools": toolsTable(reg, "explore", ""), "settings": settings})
	if err != nil {
		return err
	}
	packs := map[string]string{}
	for _, toolset := range []string{"inspect", "performance", "health", "tuning"} {
		packs[toolset] = toolsTable(reg, toolset)
	}
	return writePage(filepath.Join(root, "docs", "tools.md"), packs)
}

// writePage replaces what stands between <!-- generated NAME --> and <!-- end --> in the file.
func writePage(path string, tables map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for name, table := range tables {
		if text, err = replace(text, name, table); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return os.WriteFile(path, text, 0o644)
}

func replace(text []byte, name, table string) ([]byte, error) {
	start := fmt.Appendf(nil, "<!-- generated %s -->\n", name)
	before, rest, ok := bytes.Cut(text, start)
	_, after, closed := bytes.Cut(rest, []byte("<!-- end -->"))
	if !ok || !closed {
		return nil, fmt.Errorf("want a place for the table: <!-- generated %s --> and <!-- end -->", name)
	}
	return bytes.Join([][]byte{before, start, []byte(table), []byte("<!-- end -->"), after}, nil), nil
}

// toolsTable lists the tools of the toolsets; "" is that of the tools in code.
func toolsTable(reg *registry.Registry, toolsets ...string) string {
	var b strings.Builder
	b.WriteString("| Tool | Arguments | What it does |\n|---|---|---|\n")
	for _, name := range reg.Names() {
		def, _, _ := reg.Tool(name)
		if !slices.Contains(toolsets, def.Toolset) {
			continue
		}
		var args []string
		for _, p := range def.Arguments() {
			arg := "`" + p.Name + "`"
			if p.Required {
				arg = "**" + arg + "**"
			}
			args = append(args, arg)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.Join(args, ", "),
			strings.Join(strings.Fields(def.Description), " "))
	}
	return b.String()
}

func settingsTable() (string, error) {
	var c struct {
		config.Config
		config.Serve
	}
	parser, err := kong.New(&c, kong.NoDefaultHelp())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n")
	for _, f := range parser.Model.Flags {
		var envs []string
		for _, env := range f.Envs {
			envs = append(envs, "`"+env+"`")
		}
		standard := ""
		if f.HasDefault && f.Default != "" {
			standard = "`" + f.Default + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | %s | %s | %s |\n", f.Name, strings.Join(envs, ", "), standard, f.Help)
	}
	fmt.Fprintf(&b, "|  | `%s` |  | %s |\n", config.TokenVariable, config.TokenHelp)
	return b.String(), nil
}
