package reload

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
	"mcp-postgres/registry"
	"mcp-postgres/sql"
)

// Files are the tools, prompts and notes that the settings ask for.
type Files struct {
	Tools   []*catalog.Tool
	Prompts []*catalog.Prompt
	Notes   catalog.Notes
	Names   Names // of all tools, those that are not asked for too
}

// Load reads the embedded files and the operator's folders, and keeps what is asked for.
func Load(of config.Database, log *slog.Logger) (*Files, error) {
	c := of.Settings
	sources, err := Sources(c.Tools)
	if err != nil {
		return nil, err
	}
	sources[0].Checked = true
	sources[0].Wanted = func(toolset, name string) bool { return wanted(c, toolset, name, toolset == defaultToolset) }
	cat, err := catalog.Load(sources...)
	if err != nil {
		return nil, fmt.Errorf("loading tools:\n%w", err)
	}
	for _, r := range cat.Replaced {
		log.Info("tool replaced", "new", r.New, "old", r.Old)
	}
	prompts, err := catalog.LoadPrompts(sources...)
	if err != nil {
		return nil, fmt.Errorf("loading prompts:\n%w", err)
	}
	notes, err := Notes(of, sources)
	if err != nil {
		return nil, err
	}
	if of.Main && of.Name != "" {
		for _, unknown := range catalog.UnknownNoteFolders(sources, of.Names) {
			log.Warn("notes of no database", "reason", unknown.String())
		}
	}
	names := namesOf(cat.Tools, registry.OnRequest()) // before tools are left out
	tools, err := choose(cat.Tools, c)
	if err == nil {
		tools, err = ofDatabase(tools, of)
	}
	return &Files{tools, prompts, notes, names}, err
}

// Notes are those on the objects of a database.
func Notes(of config.Database, sources []catalog.Source) (catalog.Notes, error) {
	notes, _, err := catalog.LoadNotes(sources, of.Name)
	if err != nil {
		return nil, fmt.Errorf("loading notes:\n%w", err)
	}
	return notes[of.Name], nil
}

// Sources are the embedded files, and after them those of the folders.
func Sources(dirs []string) ([]catalog.Source, error) {
	sources := []catalog.Source{{FS: sql.Files}}
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("--tools (MCP_TOOLS_DIR) is %q: want a folder", dir)
		}
		sources = append(sources, catalog.Source{Name: dir, FS: os.DirFS(dir)})
	}
	return sources, nil
}

// defaultToolset is the embedded one that is always on; operators' toolsets are on unless others are named.
const defaultToolset = "explore"

// choose keeps the tools of the toolsets asked for, with those enabled and without those disabled by name.
func choose(tools []*catalog.Tool, c *config.Config) ([]*catalog.Tool, error) {
	names, toolsets := registry.BuiltIn(), []string{}
	for _, t := range registry.OnRequest() {
		names, toolsets = append(names, t.Name), append(toolsets, t.Toolset)
	}
	for _, t := range tools {
		names, toolsets = append(names, t.Name), append(toolsets, t.Toolset)
	}
	slices.Sort(toolsets)
	toolsets = slices.Compact(toolsets)
	err := errors.Join(known("--toolsets (MCP_TOOLSETS)", c.Toolsets, toolsets, "some of "+strings.Join(toolsets, ", ")),
		known("--enable (MCP_TOOLS_ENABLE)", c.Enable, names, "the name of a tool"),
		known("--disable (MCP_TOOLS_DISABLE)", c.Disable, names, "the name of a tool"))
	for _, name := range c.Enable {
		if slices.Contains(c.Disable, name) {
			err = errors.Join(err, fmt.Errorf("--enable and --disable both name %q: want one of them", name))
		}
	}
	return slices.DeleteFunc(tools, func(t *catalog.Tool) bool {
		return !wanted(c, t.Toolset, t.Name, t.Toolset == defaultToolset || !embedded(t))
	}), err
}

// ofDatabase leaves out the tools that are for another database.
func ofDatabase(tools []*catalog.Tool, of config.Database) ([]*catalog.Tool, error) {
	var errs []error
	for _, t := range tools {
		switch {
		case t.Database == "" || slices.Contains(of.Names, t.Database):
		case len(of.Names) == 0:
			errs = append(errs, fmt.Errorf("%s is for the database %q: want --databases FILE, which names it", t.Path,
				t.Database))
		default:
			errs = append(errs, fmt.Errorf("%s is for the database %q%s", t.Path, t.Database,
				faults.Suggest(t.Database, of.Names)))
		}
	}
	return slices.DeleteFunc(tools, func(t *catalog.Tool) bool { return t.Database != "" && t.Database != of.Name }),
		errors.Join(errs...)
}

// Extra are the tools in code that the settings ask for beside query and server_info.
func Extra(c *config.Config) []registry.Requested {
	return slices.DeleteFunc(registry.OnRequest(), func(t registry.Requested) bool {
		return !wanted(c, t.Toolset, t.Name, false)
	})
}

// wanted reports whether the settings ask for a tool. usual is the answer where they name no toolset.
func wanted(c *config.Config, toolset, name string, usual bool) bool {
	on := slices.Contains(c.Toolsets, toolset) || len(c.Toolsets) == 0 && usual
	return !slices.Contains(c.Disable, name) && (on || slices.Contains(c.Enable, name))
}

func known(flag string, wanted, names []string, want string) error {
	var errs []error
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			hint := cmp.Or(faults.DidYouMean(w, names), ": want "+want)
			errs = append(errs, fmt.Errorf("%s names %q%s", flag, w, hint))
		}
	}
	return errors.Join(errs...)
}

// embedded reports whether a tool comes with the server; the folders of operators have names.
func embedded(t *catalog.Tool) bool { return t.Source == "" }

func generatedOutput(name string) (json.RawMessage, error) {
	var s registry.Schema
	b, err := fs.ReadFile(sql.Files, "schema/"+name+".json")
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s, which make generate writes: %w", name, err)
	}
	return s.Output, nil
}
