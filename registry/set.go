package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// Set is what a registry offers at a time.
type Set struct {
	// Tools are the tool files; query and server_info are added to them.
	Tools []*catalog.Tool
	// Prompts are the prompt files.
	Prompts []*catalog.Prompt
	// Notes are those on objects of the database.
	Notes catalog.Notes
	// Outputs are the output schemas by tool name; a tool without one is offered without.
	Outputs map[string]json.RawMessage
	// Columns are those that the database described, by tool name. A tool whose answer has others goes to
	// Config.Recheck.
	Columns map[string][]postgres.Column
	// Unavailable are tools that are not in Tools; Degraded are some that are and no longer fit the database.
	Unavailable, Degraded []Trouble
	// ReloadError says why Tools are not those of the files.
	ReloadError string
}

// set is a Set made ready; it does not change.
type set struct {
	tools   []*tool
	byName  map[string]*tool
	prompts []*catalog.Prompt
	info    ServerInfo
}

// BuiltIn are the names of the tools in code that every server has.
func BuiltIn() []string { return []string{queryName, serverInfoName, listDatabasesName} }

// Requested is a tool in code that is offered where Config.Extra names it.
type Requested struct{ Toolset, Name string }

var (
	explainQuery  = Requested{tuningToolset, explainQueryName}
	adviseIndexes = Requested{tuningToolset, adviseIndexesName}
)

// OnRequest are all of them.
func OnRequest() []Requested { return []Requested{explainQuery, adviseIndexes} }

// Replace offers another set. Calls in flight end as they began. Clients are told only if they would see a change.
func (r *Registry) Replace(s Set) error {
	made, err := r.make(s)
	if err != nil {
		return err
	}
	r.notes.bound.Store(&boundNotes{s.Notes, s.Notes.JSON(everyNote)})
	old := r.set.Swap(made)
	if d := r.databases.Load(); old != nil && d != nil {
		d.refresh(!bytes.Equal(old.shownTools(), made.shownTools()), !bytes.Equal(old.shownPrompts(), made.shownPrompts()))
	}
	return nil
}

func (r *Registry) make(s Set) (*set, error) {
	made := &set{byName: map[string]*tool{}, prompts: s.Prompts}
	var faults []error
	add := func(def *catalog.Tool, output json.RawMessage, h handler) {
		t, err := newTool(def, output, h)
		if faults = append(faults, err); err == nil {
			made.tools = append(made.tools, t)
			made.byName[def.Name] = t
		}
	}
	c := &r.config
	for _, t := range s.Tools {
		if !c.ReadOnly || t.Access != catalog.Write {
			add(t, s.Outputs[t.Name], &sqlTool{tool: t, db: c.DB, guard: r.guard, notes: &r.notes, limits: r.limits(),
				columns: s.Columns[t.Name], recheck: c.Recheck, database: c.Name, maxAffected: c.MaxAffected})
		}
	}
	for _, t := range r.inCode() {
		var output json.RawMessage
		if t.answer != nil {
			var err error
			output, err = schemaOf(t.answer)
			faults = append(faults, err)
		}
		add(t.def, output, t.handler)
	}
	for _, d := range s.Degraded {
		if t := made.byName[d.Tool]; t != nil {
			t.degraded.Store(&d.Reason)
		}
	}
	slices.SortFunc(made.tools, func(a, b *tool) int { return strings.Compare(a.def.Name, b.def.Name) })
	made.info = c.serverInfo(made.tools, r.limits())
	made.info.Unavailable, made.info.ReloadError = s.Unavailable, s.ReloadError
	return made, errors.Join(faults...)
}

// codeTool is a tool that is no file.
type codeTool struct {
	def     *catalog.Tool
	answer  any // of the Go type that its output schema is made from; nil for a text
	handler handler
}

// inCode are the tools that are no files, those that are wanted.
func (r *Registry) inCode() (all []codeTool) {
	c := &r.config
	query := &queryTool{db: c.DB, guard: r.guard, limits: r.limits(), maxSQL: c.MaxSQLBytes, readOnly: c.ReadOnly,
		maxAffected: c.MaxAffected}
	if !slices.Contains(c.Without, queryName) {
		all = append(all, codeTool{queryDefinition(c.ReadOnly, c.MaxRows), nil, query})
	}
	if !slices.Contains(c.Without, serverInfoName) {
		all = append(all, codeTool{serverInfoDefinition(), &ServerInfo{}, &serverInfoTool{r}})
	}
	if slices.Contains(c.Extra, explainQuery) {
		all = append(all, codeTool{explainDefinition(c.ReadOnly), &explanation{}, &explainTool{query, c.Timeout}})
	}
	if slices.Contains(c.Extra, adviseIndexes) {
		all = append(all, codeTool{adviseDefinition(), &advice{}, &adviseTool{&explainTool{query, c.Timeout}}})
	}
	return all
}

func (c *Config) serverInfo(tools []*tool, l rowLimits) ServerInfo {
	info := ServerInfo{
		Name: "mcp-postgres", Version: c.Version, ReadOnly: c.ReadOnly,
		Toolsets: []string{}, Limits: callLimits{TimeoutMS: c.Timeout.Milliseconds(), Rows: l.rows, Bytes: l.bytes,
			CellBytes: l.cell},
	}
	for _, t := range tools {
		info.Tools = append(info.Tools, t.def.Name)
		if s := t.def.Toolset; s != "" && !slices.Contains(info.Toolsets, s) {
			info.Toolsets = append(info.Toolsets, s)
		}
	}
	slices.Sort(info.Toolsets)
	return info
}

// status is what server_info says without asking the database.
func (r *Registry) status() ServerInfo {
	s := r.set.Load()
	info := s.info
	for _, t := range s.tools {
		if reason := t.degraded.Load(); reason != nil {
			info.Degraded = append(info.Degraded, Trouble{t.def.Name, *reason})
		}
	}
	return info
}

func (s *set) shownTools() []byte {
	var all []mcp.Tool
	for _, t := range s.tools {
		all = append(all, t.definition())
	}
	return shownJSON(all)
}

func (s *set) shownPrompts() []byte {
	var all []mcp.Prompt
	for _, p := range s.prompts {
		all = append(all, promptDefinition(p))
	}
	return shownJSON(all)
}

// shownJSON is nil for what can't be written, which tools/list would not show either.
func shownJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}
