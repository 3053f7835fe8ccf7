package catalog

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/sqlscan"
)

// headerKeys reads the YAML.
func (f *file) headerKeys(a anatomy) (m mapping, ok bool) {
	root, ok := f.yaml(a)
	if !ok {
		return m, false
	}
	return f.mapping(root, theHeader, "name", "title", "description", "params", "use", "access", "idempotent",
		"destructive", "open_world", "result", "omit_null", "page", "not_found", "limits", "trust", "roles", "requires",
		"examples", "tests")
}

// header reads the keys into t and compiles its SQL, which decides on some of them.
func (f *file) header(t *Tool, m mapping, a anatomy) {
	f.name(t, m, a)
	t.Title = m.prose("title")
	t.Description = m.prose("description")
	if !m.has("description") {
		f.faultAt(a.open, "description is missing: want what the tool does, for the model that calls it")
	}
	t.Access = Access(m.choice("access", string(Read), string(Write)))
	t.Trust = Trust(m.choice("trust", string(TrustCaller), string(TrustOwner)))
	t.OmitNull = m.flag("omit_null", false)
	t.Roles = m.names("roles")
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

// result reads the shape of the answer. Of a statement that gives no columns there is only the number of rows to tell.
func (f *file) result(t *Tool, m mapping) {
	t.Result = Result(m.choice("result", string(Rows), string(Object), string(Value), string(Affected)))
	st := t.Statement.Analysis
	switch none := st != nil && !st.Returns; {
	case none && !m.has("result"):
		t.Result = Affected
	case none && t.Result != Affected:
		f.nodeFault(m.values["result"], "result %s: %s: want result affected%s", t.Result, noColumns(st), orReturning(st))
	case t.Result == Affected && t.Access == Read:
		f.nodeFault(m.values["result"], "result affected with access read: want access write")
	}
}

func noColumns(st *sqlscan.Statement) string {
	if st.Into {
		return "SELECT INTO gives no columns"
	}
	return st.Command + " without RETURNING gives no columns"
}

func orReturning(st *sqlscan.Statement) string {
	if st.Into {
		return ""
	}
	return ", or RETURNING with the columns of the answer"
}

// yaml parses the header. Blank lines stand for what is above it, so that the lines of the nodes are those of the file.
func (f *file) yaml(a anatomy) (*yaml.Node, bool) {
	line, _ := f.position(a.headerStart)
	header := f.all[a.headerStart:a.headerEnd]
	decoder := yaml.NewDecoder(strings.NewReader(strings.Repeat("\n", line-1) + header))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		f.faultAt(a.open, "header is empty: want a description at least")
		return nil, false
	case err != nil:
		f.syntaxError(err, line)
		return nil, false
	}
	if err := decoder.Decode(&second); err == nil {
		f.nodeFault(&second, "second YAML document in the header: want one")
	} else if !errors.Is(err, io.EOF) {
		f.syntaxError(err, line)
	}
	f.plainYAML(doc.Content[0])
	return doc.Content[0], true
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// syntaxError reports an error of the YAML parser, which knows only a line, and for one family of errors that before.
func (f *file) syntaxError(err error, firstLine int) {
	line, problem := firstLine, strings.TrimPrefix(err.Error(), "yaml: ")
	if at := yamlLine.FindStringSubmatch(err.Error()); at != nil {
		line, _ = strconv.Atoi(at[1])
		problem = strings.TrimPrefix(err.Error(), at[0])
		if strings.HasPrefix(problem, "did not find expected") {
			line++
		}
	}
	f.fault(min(max(line, 1), len(f.lines)), 1, "YAML syntax: %s", problem)
}

// plainYAML reports what makes YAML more than plain data.
func (f *file) plainYAML(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		f.nodeFault(n, "YAML alias *%s: want the value itself", n.Value)
	case n.Anchor != "":
		f.nodeFault(n, "YAML anchor &%s: want the value without it", n.Anchor)
	case n.Style&yaml.TaggedStyle != 0:
		f.nodeFault(n, "YAML tag %s: want the value without it", n.Tag)
	}
	for _, child := range n.Content {
		f.plainYAML(child)
	}
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// name reads the tool's name, which is the file's if the header gives none.
func (f *file) name(t *Tool, m mapping, a anatomy) {
	given := m.text("name")
	switch {
	case given != "":
		t.Name = given
		f.checkName(m.values["name"].Line, m.values["name"].Column, "name", given)
	case !m.has("name"):
		line, col := f.position(a.open)
		f.checkName(line, col, "file name", t.Name)
	}
}

func (f *file) checkName(line, col int, what, name string) {
	switch {
	case !namePattern.MatchString(name):
		f.fault(line, col, "%s %q: want %s", what, name, namePattern)
	case name == "query" || name == "server_info":
		f.fault(line, col, "%s %q: want another, the server has a tool of that name", what, name)
	}
}

// hints reads the MCP annotations. Reading destroys nothing, and reading twice is like reading once.
func (f *file) hints(t *Tool, m mapping) {
	reads := t.Access == Read
	t.Hints = Hints{
		Idempotent:  m.flag("idempotent", reads),
		Destructive: m.flag("destructive", !reads),
		OpenWorld:   m.flag("open_world", false),
	}
	if reads && t.Hints.Destructive {
		f.nodeFault(m.values["destructive"], "destructive with access read: want access write")
	}
	if reads && !t.Hints.Idempotent {
		f.nodeFault(m.values["idempotent"], "not idempotent with access read: want access write")
	}
}

func (f *file) limits(t *Tool, m mapping) {
	if !m.has("limits") {
		return
	}
	l, _ := f.mapping(m.values["limits"], "limits", "timeout", "rows", "bytes", "max_affected")
	t.Limits = Limits{
		Timeout:     l.duration("timeout"),
		Rows:        orZero(l.count("rows", 1)),
		Bytes:       orZero(l.count("bytes", 1)),
		MaxAffected: orZero(l.count("max_affected", 1)),
	}
	if l.has("max_affected") && t.Access == Read {
		f.nodeFault(l.values["max_affected"], "max_affected with access read: want access write")
	}
}

// duration reads a Go duration of at least a millisecond, the step of PostgreSQL's clock, and at most a day.
func (m mapping) duration(key string) time.Duration {
	n := m.values[key]
	if n == nil {
		return 0
	}
	d, err := time.ParseDuration(n.Value)
	if n.ShortTag() != "!!str" || err != nil || d < time.Millisecond || d > 24*time.Hour {
		m.wrongKind(n, "%s is %s: want a duration from 1ms to 24h, such as 10s", key, describe(n))
		return 0
	}
	return d
}

func orZero(i *int) int {
	if i == nil {
		return 0
	}
	return *i
}
