package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"mcp-postgres/internal/faults"
)

// Source is one folder of tool files: <toolset>/<tool>.sql, or <tool>.sql for the toolset "custom".
type Source struct {
	// Name is shown before the paths of the folder in messages; it is empty for the embedded files.
	Name string
	// FS holds the files. It must be set.
	FS fs.FS
	// Wanted, if set, says which files to read. The tools of the others have only Name (the file's), Toolset and Path.
	Wanted func(toolset, name string) bool
	// Checked says that the files were checked before, by Load without it: their SQL is compiled, but PostgreSQL's
	// grammar is not asked about it, so their statements have no Analysis.
	Checked bool
}

// Catalog is a valid set of tools.
type Catalog struct {
	// Tools are sorted by name; no name occurs twice.
	Tools []*Tool
	// Replaced lists the tools that a later source took over, sorted by name.
	Replaced []replacement
}

// replacement says that the tool file New took the name of the tool file Old.
type replacement struct {
	Name, New, Old string
}

// customToolset holds the tool files that lie in no folder.
const customToolset = "custom"

// maxFile is the size in bytes above which a tool file is refused unread.
const maxFile = 256 << 10

// Load reads the tool files of every source. A tool of a later source replaces that of an earlier one with the same
// name. When anything is wrong the catalog is nil and the error is faults.List, with every fault of every file.
func Load(sources ...Source) (*Catalog, error) {
	c, found := LoadValid(sources...)
	if len(found) > 0 {
		return nil, found
	}
	return c, nil
}

// LoadValid is Load for callers that want the valid files beside the faults of the others.
func LoadValid(sources ...Source) (*Catalog, faults.List) {
	var found faults.List
	var c Catalog
	for _, s := range sources {
		l := loader{source: s}
		l.load()
		found = append(found, l.faults...)
		c.merge(l.tools)
	}
	found.Sort()
	slices.SortFunc(c.Tools, func(a, b *Tool) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortStableFunc(c.Replaced, func(a, b replacement) int { return cmp.Compare(a.Name, b.Name) })
	return &c, found
}

// Tool returns the tool with that name, or nil.
func (c *Catalog) Tool(name string) *Tool {
	if i := slices.IndexFunc(c.Tools, func(t *Tool) bool { return t.Name == name }); i >= 0 {
		return c.Tools[i]
	}
	return nil
}

func (c *Catalog) merge(tools []*Tool) {
	for _, t := range tools {
		i := slices.IndexFunc(c.Tools, func(old *Tool) bool { return old.Name == t.Name })
		if i < 0 {
			c.Tools = append(c.Tools, t)
			continue
		}
		c.Replaced = append(c.Replaced, replacement{t.Name, t.Path, c.Tools[i].Path})
		c.Tools[i] = t
	}
}

// loader reads one source.
type loader struct {
	source Source
	tools  []*Tool
	faults faults.List
}

var toolsetPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)

// IsToolset reports whether a folder of that name is a toolset.
func IsToolset(name string) bool { return toolsetPattern.MatchString(name) }

func (l *loader) load() {
	for _, name := range l.list(".") {
		switch {
		case !l.isDir(name):
			l.file(name, customToolset)
		case toolsetPattern.MatchString(name):
			l.toolset(name)
		case len(l.toolFiles(name)) > 0:
			l.fault(name, "folder name %q: want %s", name, toolsetPattern)
		}
	}
}

func (l *loader) toolset(dir string) {
	for _, name := range l.list(dir) {
		file := path.Join(dir, name)
		if !l.isDir(file) {
			l.file(file, dir)
			continue
		}
		for _, deep := range l.toolFiles(file) {
			l.fault(deep, "file lies too deep: want <toolset>/<tool>.sql")
		}
	}
}

// list returns the names in a folder without the hidden ones; those include the folders behind the links of a
// Kubernetes ConfigMap.
func (l *loader) list(dir string) []string {
	entries, err := fs.ReadDir(l.source.FS, dir)
	if err != nil {
		l.fault(dir, "reading the folder: %v", cause(err))
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// isDir follows links, which fs.DirEntry does not.
func (l *loader) isDir(name string) bool {
	info, err := fs.Stat(l.source.FS, name)
	return err == nil && info.IsDir()
}

// toolFiles returns the tool files below a folder, at any depth, without following links.
func (l *loader) toolFiles(dir string) []string {
	var files []string
	_ = fs.WalkDir(l.source.FS, dir, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case strings.HasPrefix(e.Name(), ".") && e.IsDir():
			return fs.SkipDir
		case !e.IsDir() && isToolFile(p):
			files = append(files, p)
		}
		return nil
	})
	return files
}

func isToolFile(p string) bool {
	return path.Ext(p) == ".sql" && !strings.HasPrefix(path.Base(p), ".")
}

func (l *loader) file(name, toolset string) {
	if !isToolFile(name) {
		return
	}
	if tool := strings.TrimSuffix(path.Base(name), ".sql"); l.source.Wanted != nil && !l.source.Wanted(toolset, tool) {
		l.add(&Tool{Name: tool, Toolset: toolset, Path: l.shown(name), Source: l.source.Name})
		return
	}
	text, err := l.read(name, maxFile)
	if err != nil {
		l.fault(name, "reading the file: %v", cause(err))
		return
	}
	parse := Parse
	if l.source.Checked {
		parse = ParseChecked
	}
	t, found := parse(l.shown(name), toolset, text)
	l.faults = append(l.faults, found...)
	if t != nil {
		t.Source = l.source.Name
		l.add(t)
	}
}

// read reads a file of at most so many bytes.
func (l *loader) read(name string, most int64) ([]byte, error) {
	info, err := fs.Stat(l.source.FS, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > most:
		return nil, fmt.Errorf("%d bytes: want at most %d", info.Size(), most)
	}
	return fs.ReadFile(l.source.FS, name)
}

func (l *loader) add(t *Tool) {
	for _, other := range l.tools {
		if other.Name == t.Name {
			l.faults = append(l.faults, faults.Fault{Path: t.Path, Line: 1, Col: 1,
				Problem: fmt.Sprintf("tool %q is also in %s: want each name once", t.Name, other.Path)})
			return
		}
	}
	l.tools = append(l.tools, t)
}

func (l *loader) shown(name string) string { return path.Join(l.source.Name, name) }

func (l *loader) fault(name, format string, args ...any) {
	l.faults = append(l.faults, faults.Fault{Path: l.shown(name), Problem: fmt.Sprintf(format, args...)})
}

// cause drops the path that fs puts into its errors, as it is relative to the source.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
