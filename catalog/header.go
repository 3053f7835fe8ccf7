package catalog

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/faults"
)

// Parse reads one tool file. path is shown in messages and its last element gives the tool its name; toolset is the
// folder. When anything is wrong the tool is nil and the faults, sorted, are all that could be found.
func Parse(path, toolset string, text []byte) (*Tool, faults.List) {
	return parse(path, toolset, text, false)
}

// ParseChecked is Parse for a file that was checked before: PostgreSQL's grammar is not asked about its SQL.
func ParseChecked(path, toolset string, text []byte) (*Tool, faults.List) {
	return parse(path, toolset, text, true)
}

func parse(path, toolset string, text []byte, checked bool) (*Tool, faults.List) {
	f := newFile(path, text)
	f.checked = checked
	t := &Tool{Path: path, Toolset: toolset}
	if f.IsText(maxFile) {
		if a, ok := f.anatomy(); ok {
			f.tool(t, a)
		}
	}
	if len(f.Faults) > 0 {
		f.Faults.Sort()
		return nil, f.Faults
	}
	return t, nil
}

// file is a tool or prompt file while it is read.
type file struct {
	*faults.File
	params []*yaml.Node          // those of Tool.Params
	keys   map[string]*yaml.Node // the values of the header, such as "result" and "page.key"
	// checked: the SQL was checked before.
	checked bool
}

func newFile(path string, text []byte) *file {
	return &file{File: faults.NewFile(path, string(text)), keys: map[string]*yaml.Node{}}
}

// anatomy says where the parts of a file lie, as byte offsets.
type anatomy struct {
	open                   int // the header's /*---
	headerStart, headerEnd int // the YAML
	body                   int // the SQL, or the text of a prompt
}

const (
	openMark  = "/*---"
	closeMark = "---*/"
)

// anatomy finds the parts of a tool file.
func (f *file) anatomy() (anatomy, bool) {
	a := anatomy{open: len(f.Text) - len(strings.TrimLeft(f.Text, " \t\r\n"))}
	if !strings.HasPrefix(f.Text[a.open:], openMark) {
		f.AddAt(min(a.open, len(f.Text)), "no header: want %s on the first line", openMark)
		return a, false
	}
	line, _, _ := strings.Cut(f.Text[a.open+len(openMark):], "\n")
	if strings.TrimSpace(line) != "" {
		f.AddAt(a.open+len(openMark), "text after %s: want the header to start on the next line", openMark)
		return a, false
	}
	a.headerStart = a.open + len(openMark) + len(line)
	end := strings.Index(f.Text[a.headerStart:], "\n"+closeMark)
	if end < 0 {
		f.unclosed(a)
		return a, false
	}
	a.headerEnd = a.headerStart + end + 1
	a.body = a.headerEnd + len(closeMark)
	return a, f.noCommentMarks(a)
}

func (f *file) unclosed(a anatomy) {
	if i := strings.Index(f.Text[a.headerStart:], "*/"); i >= 0 {
		f.AddAt(a.headerStart+i, "header ends with */ here: want %s at the start of a line", closeMark)
		return
	}
	f.AddAt(a.open, "header is not closed: want %s on a line of its own", closeMark)
}

var commentMark = regexp.MustCompile(`/\*|\*/`)

// noCommentMarks reports the marks that would end the SQL comment around the header, or start another.
func (f *file) noCommentMarks(a anatomy) bool {
	const enough = 20
	found := commentMark.FindAllStringIndex(f.Text[a.headerStart:a.headerEnd], enough)
	for _, at := range found {
		start, end := a.headerStart+at[0], a.headerStart+at[1]
		f.AddAt(start, "%s inside the header: want none, the header is an SQL comment", f.Text[start:end])
	}
	return len(found) == 0
}

// tool reads the header, compiles the SQL, and checks the one against the other.
func (f *file) tool(t *Tool, a anatomy) {
	t.Name = strings.TrimSuffix(path.Base(f.Path), ".sql")
	t.SQL = f.Text[a.body:]
	if line, rest, ok := strings.Cut(t.SQL, "\n"); ok && strings.TrimSpace(line) == "" {
		t.SQL = rest
	}
	if m, ok := f.headerKeys(a); ok {
		f.header(t, m, a)
	} else {
		f.compileTool(t, false)
	}
	if t.Page != nil {
		t.Page.compile(t.Statement)
	}
}

// headerKeys reads the YAML.
func (f *file) headerKeys(a anatomy) (m faults.Mapping, ok bool) {
	root, ok := f.YAML(a.headerStart, a.headerEnd)
	if ok && root == nil {
		f.AddAt(a.open, "header is empty: want a description at least")
	}
	if root == nil {
		return m, false
	}
	m, ok = f.Mapping(root, "the header", "name", "title", "description", "params", "use", "access", "idempotent",
		"destructive", "open_world", "result", "omit_null", "page", "not_found", "limits", "trust", "roles", "requires",
		"database", "examples", "tests")
	for key, value := range m.Values {
		f.keys[key] = value
	}
	return m, ok
}

// part reads a mapping that is the value of a key of the header.
func (f *file) part(m faults.Mapping, key string, known ...string) (part faults.Mapping, ok bool) {
	if !m.Has(key) {
		return part, false
	}
	part, ok = f.Mapping(m.Values[key], key, known...)
	for name, value := range part.Values {
		f.keys[key+"."+name] = value
	}
	return part, ok
}

// header reads the keys into t and compiles its SQL, which decides on some of them.
func (f *file) header(t *Tool, m faults.Mapping, a anatomy) {
	f.name(t, m, a)
	t.Title = m.Prose("title")
	t.Description = m.Prose("description")
	if !m.Has("description") {
		f.AddAt(a.open, "description is missing: want what the tool does, for the model that calls it")
	}
	t.Access = Access(m.Choice("access", string(Read), string(Write)))
	t.Trust = Trust(m.Choice("trust", string(TrustCaller), string(TrustOwner)))
	t.OmitNull = m.Flag("omit_null", false)
	t.Roles = m.Names("roles")
	t.Database = m.Text("database")
	f.hints(t, m)
	f.limits(t, m)
	f.requires(t, m)
	paramsKnown := f.readParams(t, m)
	f.use(t, m)
	f.compileTool(t, paramsKnown)
	f.result(t, m)
	f.page(t, m)
	f.notFound(t, m, paramsKnown)
	f.examples(t, m, paramsKnown)
	f.tests(t, m, paramsKnown)
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// name reads the tool's name, which is the file's if the header gives none.
func (f *file) name(t *Tool, m faults.Mapping, a anatomy) {
	given := m.Text("name")
	switch {
	case given != "":
		t.Name = given
		f.checkName(m.Values["name"].Line, m.Values["name"].Column, "name", given)
	case !m.Has("name"):
		line, col := f.Position(a.open)
		f.checkName(line, col, "file name", t.Name)
	}
}

func (f *file) checkName(line, col int, what, name string) {
	switch {
	case !namePattern.MatchString(name):
		f.Add(line, col, "%s %q: want %s", what, name, namePattern)
	case slices.Contains([]string{"query", "server_info", "list_databases", "explain_query", "advise_indexes"}, name):
		f.Add(line, col, "%s %q: want another, the server has a tool of that name", what, name)
	}
}

// hints reads the MCP annotations. Reading destroys nothing, and reading twice is like reading once.
func (f *file) hints(t *Tool, m faults.Mapping) {
	reads := t.Access == Read
	t.Hints = Hints{
		Idempotent:  m.Flag("idempotent", reads),
		Destructive: m.Flag("destructive", !reads),
		OpenWorld:   m.Flag("open_world", false),
	}
	if reads && t.Hints.Destructive {
		f.AddNode(m.Values["destructive"], "destructive with access read: want access write")
	}
	if reads && !t.Hints.Idempotent {
		f.AddNode(m.Values["idempotent"], "not idempotent with access read: want access write")
	}
}

func (f *file) limits(t *Tool, m faults.Mapping) {
	l, _ := f.part(m, "limits", "timeout", "rows", "bytes", "max_affected")
	t.Limits = Limits{l.Duration("timeout"), l.Number("rows"), l.Number("bytes"), l.Number("max_affected")}
	if l.Has("max_affected") && t.Access == Read {
		f.AddNode(l.Values["max_affected"], "max_affected with access read: want access write")
	}
}

func (f *file) requires(t *Tool, m faults.Mapping) {
	r, _ := f.part(m, "requires", "extension", "server_version")
	if n := r.Values["extension"]; n == nil || n.Kind != yaml.ScalarNode {
		t.Requires.Extensions = r.Names("extension")
	} else if name := r.Text("extension"); name != "" {
		t.Requires.Extensions = []string{name}
	}
	if n := r.Values["server_version"]; n != nil {
		t.Requires.ServerVersion = f.serverVersion(n)
	}
}

var versionPattern = regexp.MustCompile(`^(?:>= *)?([1-9][0-9]?)(?:\.([0-9]{1,2}))?$`)

// serverVersion reads 15, "15.4" or ">=15".
func (f *file) serverVersion(n *yaml.Node) int {
	at := versionPattern.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || at == nil {
		f.AddNode(n, `server_version is %s: want the least version, such as 15 or ">=15.4"`, faults.Describe(n))
		return 0
	}
	major, _ := strconv.Atoi(at[1])
	minor, _ := strconv.Atoi(at[2])
	return major*10000 + minor
}

// result reads the shape of the answer. A statement that returns no columns can only return the number of rows.
func (f *file) result(t *Tool, m faults.Mapping) {
	t.Result = Result(m.Choice("result", string(Rows), string(Object), string(Value), string(Text), string(Query),
		string(Affected)))
	st := t.Statement.Analysis
	switch none := st != nil && !st.Returns; {
	case none && !m.Has("result"):
		t.Result = Affected
	case none && t.Result != Affected && st.Into:
		f.AddNode(m.Values["result"], "result %s: SELECT INTO returns no columns: want result affected", t.Result)
	case none && t.Result != Affected:
		f.AddNode(m.Values["result"], "result %s: %s without RETURNING returns no columns: want result affected, "+
			"or RETURNING with the columns of the answer", t.Result, st.Command)
	case t.Result == Query && t.Access == Write:
		f.AddNode(m.Values["result"], "result query with access write: want access read, "+
			"as SQL that is made from names only reads")
	case t.Result == Affected && t.Access == Read:
		f.AddNode(m.Values["result"], "result affected with access read: want access write")
	}
}

// The page sizes of a tool that names none, and the highest.
const (
	defaultPageSize = 100
	defaultPageMax  = 1000
	highestPageMax  = 10000
)

// page reads the page key. An absent max is 1000, or size if that is more; an absent size is 100, or max if that is
// less.
func (f *file) page(t *Tool, m faults.Mapping) {
	p, ok := f.part(m, "page", "key", "size", "max")
	if !ok {
		return
	}
	size, most := p.Number("size"), p.Number("max")
	t.Page = &Page{
		Size: cmp.Or(size, min(defaultPageSize, cmp.Or(most, defaultPageSize))),
		Max:  cmp.Or(most, max(defaultPageMax, size)),
	}
	f.pageSizes(t, p)
	f.pageKey(t, p)
	if t.Result != Rows {
		f.AddNode(p.Node, "page with result %s: want result rows", t.Result)
	}
	if t.Access != Read {
		f.AddNode(p.Node, "page with access %s: want access read", t.Access)
	}
}

func (f *file) pageSizes(t *Tool, p faults.Mapping) {
	at := cmp.Or(p.Values["max"], p.Values["size"], p.Node)
	switch {
	case t.Page.Max > highestPageMax:
		f.AddNode(at, "page max %d: want at most %d", t.Page.Max, highestPageMax)
	case t.Page.Size > t.Page.Max:
		f.AddNode(p.Values["size"], "page size %d is greater than max %d: want at most max", t.Page.Size, t.Page.Max)
	case t.Limits.Rows > 0 && t.Page.Max > t.Limits.Rows:
		f.AddNode(at, "page max %d is greater than limits rows %d: want at most that", t.Page.Max, t.Limits.Rows)
	}
}

func (f *file) pageKey(t *Tool, p faults.Mapping) {
	if !p.Has("key") {
		f.AddNode(p.Node, "page key is missing: want a list of output columns, together unique and not null")
	}
	first := true
	for _, n := range p.Items("key") {
		if !faults.IsText(n) || strings.Trim(n.Value, "-") == "" || strings.IndexByte(n.Value, 0) >= 0 {
			f.AddNode(n, "page key %s: want the name of an output column", faults.Describe(n))
			continue
		}
		column, descending := strings.CutPrefix(n.Value, "-")
		if first {
			t.Page.Descending = descending
		}
		first = false
		switch {
		case descending != t.Page.Descending:
			f.AddNode(n, "page key %q: want one direction for the whole key, - before all columns or none", n.Value)
		case slices.Contains(t.Page.Key, column):
			f.AddNode(n, "page key %q is here twice: want each column once", n.Value)
		default:
			t.Page.Key = append(t.Page.Key, column)
		}
	}
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

func (f *file) notFound(t *Tool, m faults.Mapping, paramsKnown bool) {
	n, ok := f.part(m, "not_found", "when", "message", "suggest")
	if !ok {
		return
	}
	t.NotFound = &NotFound{Message: n.Prose("message")}
	if !n.Has("message") {
		f.AddNode(n.Node, "not_found message is missing: want a sentence for the model, with the wrong name as {param}")
	}
	if paramsKnown {
		f.placeholders(t, n)
	}
	t.NotFound.When = f.compileValue(t, n, "when", paramsKnown)
	t.NotFound.Suggest = f.compileValue(t, n, "suggest", paramsKnown)
}

// placeholders checks the names in the message.
func (f *file) placeholders(t *Tool, n faults.Mapping) {
	names := paramNames(t.Params)
	found := placeholder.FindAllStringSubmatch(t.NotFound.Message, -1)
	for _, p := range found {
		if !slices.Contains(names, p[1]) {
			f.AddNode(n.Values["message"], "message holds {%s}, which is no param%s", p[1], suggest(p[1], names))
		}
	}
	if n.Has("suggest") && t.NotFound.Message != "" && len(found) == 0 {
		f.AddNode(n.Values["message"], "message holds no {param}: want the one that suggest finds candidates for")
	}
}

func paramNames(params []Param) []string {
	var names []string
	for _, p := range params {
		names = append(names, p.Name)
	}
	return names
}

// suggest ends a message about a name that should be that of a param.
func suggest(word string, names []string) string {
	return cmp.Or(faults.Suggest(word, names), ": want it declared under params")
}
