package main

import (
	_ "embed" // the starter
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/sql"
)

type newCmd struct {
	Name string `arg:"" help:"NAME of the tool, or TOOLSET/NAME."`
	Dir  string `name:"dir" help:"Folder to write to. Default: the first of --tools, or else the current folder." placeholder:"DIR"`
}

// Run writes a file that passes check and tells what to put in its place.
func (cmd *newCmd) Run(c *config.Config, s streams) error {
	toolset, name, ok := strings.Cut(strings.TrimSuffix(cmd.Name, ".sql"), "/")
	switch {
	case !ok:
		toolset, name = "", toolset
	case toolset == "" || strings.Contains(name, "/"):
		return usage(s, fmt.Errorf("tool %q: want NAME or TOOLSET/NAME, and the folder in --dir", cmd.Name))
	}
	text := strings.ReplaceAll(starter, "NAME", name)
	path := filepath.Join(folder(cmd.Dir, c), toolset, name+".sql")
	if _, faults := catalog.Parse(path, toolset, []byte(text)); len(faults) > 0 {
		return usage(s, errors.New(faults[0].Problem))
	}
	if toolset != "" && !catalog.IsToolset(toolset) {
		return usage(s, fmt.Errorf("toolset %q: want a name in lower case, such as sales", toolset))
	}
	return writeNew(s, path, text)
}

// folder is where a command writes files.
func folder(dir string, c *config.Config) string {
	switch {
	case dir != "":
		return dir
	case len(c.Tools) > 0:
		return c.Tools[0]
	}
	return "."
}

// writeNew writes a file that is not there yet.
func writeNew(s streams, path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: nothing was written", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Wrote %s\n", path)
	return err
}

// starter is a whole tool; it works on every database.
//
//go:embed starter.sql
var starter string

type ejectCmd struct {
	Name string `arg:"" help:"Name of a built-in tool."`
	Dir  string `name:"dir" help:"Folder to write to. Default: the first of --tools, or else the current folder." placeholder:"DIR"`
}

// Run writes a built-in tool to DIR/toolset/name.sql, where it takes the place of the built-in one.
func (cmd *ejectCmd) Run(c *config.Config, s streams) error {
	cat, err := catalog.Load(catalog.Source{FS: sql.Files})
	if err != nil {
		return err
	}
	t := cat.Tool(cmd.Name)
	if t == nil {
		var names []string
		for _, t := range cat.Tools {
			names = append(names, t.Name)
		}
		return usage(s, unknownTool(cmd.Name, names))
	}
	return writeNew(s, filepath.Join(folder(cmd.Dir, c), filepath.FromSlash(t.Path)), t.Text())
}
