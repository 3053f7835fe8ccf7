package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/postgres"
)

// namesFile is the tool file that finds names in the database, for suggestions and completion.
var namesFile = sync.OnceValues(func() (*catalog.Tool, error) { return ownFile(nameList) })

// findNames asks the database for names. own are the values of @caller_*, which restrict them to what the caller sees.
func findNames(ctx context.Context, db Database, id *postgres.SessionIdentity, args nameArgs,
	own map[string][]byte) (*candidates, error) {
	file, err := namesFile()
	if err != nil {
		return nil, err
	}
	values := bind(file, file.Statement, args.values(), own)
	var found candidates
	_, err = db.Run(ctx, postgres.Call{SQL: file.Statement.SQL, Args: values, Prepare: true, GenericPlan: true,
		MaxRows: file.Limits.Rows,
		Timeout: lookupTimeout, Identity: id}, &found)
	return &found, err
}

// lookupTimeout bounds each question about names.
const lookupTimeout = 2 * time.Second

// nameArgs are the arguments of resources/names.sql, which says what they mean.
type nameArgs struct {
	kind, word, schema string
	tables, schemas    []string
	count              int
	apart, completing  bool
}

func (a nameArgs) values() map[string]any {
	list := func(names []string) any {
		slices.Sort(names)
		var items []any
		for _, name := range slices.Compact(names) {
			items = append(items, name)
		}
		return items
	}
	values := map[string]any{"kind": a.kind, "word": a.word, "count": json.Number(strconv.Itoa(a.count)), "apart": a.apart,
		"completing": a.completing, "schemas": list(a.schemas)}
	if a.schema != "" {
		values["schema"] = a.schema
	}
	if a.tables != nil {
		values["tables"] = list(a.tables)
	}
	return values
}

// candidates is the sink of resources/names.sql: rows of a name to compare, the name as SQL writes it, the
// signature of a function that has the very name, and whether the word is the name.
type candidates struct {
	names, written []string
	signatures     []string
	known          bool
}

// Columns implements postgres.Sink.
func (c *candidates) Columns([]postgres.Column) { *c = candidates{} }

// Row implements postgres.Sink.
func (c *candidates) Row(values [][]byte) bool {
	if values[2] != nil {
		c.signatures = append(c.signatures, string(values[2]))
	}
	c.known = c.known || string(values[3]) == "t"
	c.add(string(values[0]), string(values[1]))
	return true
}

func (c *candidates) add(name, written string) {
	c.names, c.written = append(c.names, name), append(c.written, written)
}

// asSchemas says that they are the schemas there are; empty without one.
func (c *candidates) asSchemas() string {
	if len(c.written) == 0 {
		return ""
	}
	return "the schemas there are: " + listed(c.written)
}

// nearest gives the candidates nearest to word, as SQL writes them; a word schema.name that is near to none is
// compared without the schema.
func (c *candidates) nearest(word string) []string {
	near := faults.Nearest(word, c.names, maxSuggestions)
	if dot := strings.LastIndexByte(word, '.'); near == nil && dot >= 0 {
		near = faults.Nearest(word[dot+1:], c.names, maxSuggestions)
	}
	for i, name := range near {
		near[i] = c.written[slices.Index(c.names, name)]
	}
	return near
}

// unknownName is the error not_found for the first argument whose name does not exist. A wrong schema beside a table or
// function is not checked by itself: the suggested names show the right one. A column must be one of the tables given.
func (h *sqlTool) unknownName(ctx context.Context, args map[string]any) error {
	plain := plainNames(h.tool, args)
	param := nameParam(h.tool, catalog.NamesSchema)
	schema, _ := plain[param].(string)
	search := nameArgs{schema: schema, schemas: []string{schema}, apart: args[param] != nil}
	for _, search.kind = range []string{catalog.NamesTable, catalog.NamesFunction, catalog.NamesColumn,
		catalog.NamesSchema} {
		for _, p := range h.tool.Params {
			word, ok := plain[p.Name].(string)
			if p.Names != search.kind || !ok || search.kind == catalog.NamesSchema && search.word != "" {
				continue
			}
			search.word = word
			if err := h.unknown(ctx, p, search, args); err != nil {
				return err
			}
			if place, name, ok := splitName(word); ok && search.kind == catalog.NamesTable {
				search.tables, search.schemas = append(search.tables, name), append(search.schemas, place)
			}
		}
	}
	return nil
}

// unknown is the error not_found where the database has no such name, or none that the caller sees.
func (h *sqlTool) unknown(ctx context.Context, p catalog.Param, search nameArgs, args map[string]any) error {
	place, name, ok := splitName(search.word)
	switch {
	case search.kind == catalog.NamesSchema:
		search.schema = ""
	case ok && search.schema == "" && strings.Contains(search.word, `"`):
		search.schema, search.word = place, name
	}
	found, err := h.findNames(ctx, search)
	if err != nil {
		return fmt.Errorf("asking for the names of %s: %w", p.Name, err)
	}
	if found.known {
		return nil
	}
	if !ok {
		name = search.word
	}
	what := map[string]string{catalog.NamesSchema: "schema", catalog.NamesTable: "table or view",
		catalog.NamesFunction: "function", catalog.NamesColumn: "column"}[p.Names]
	message := "There is no " + what + ` "{` + p.Name + `}" here.`
	if nf := h.tool.NotFound; nf != nil && strings.Contains(nf.Message, "{"+p.Name+"}") {
		message = nf.Message
	}
	if search.kind == catalog.NamesTable && slices.Contains(found.names, place) { // table.column
		name = place
	}
	e := &Error{Code: CodeNotFound, Message: placeholders(message, h.tool.Params, args),
		Suggestion: strings.Join(found.nearest(name), ", ")}
	if e.Suggestion == "" {
		e.Hint = h.aboutSchemas(ctx, search)
	}
	return e
}

// aboutSchemas lists the schemas there are, or says that the name of a table is that of a schema.
func (h *sqlTool) aboutSchemas(ctx context.Context, search nameArgs) string {
	switch search.kind {
	case catalog.NamesSchema:
		all, err := h.findNames(ctx, nameArgs{kind: catalog.NamesSchema, completing: true})
		if err == nil {
			return all.asSchemas()
		}
	case catalog.NamesTable:
		found, err := h.findNames(ctx, nameArgs{kind: catalog.NamesSchema, word: search.word})
		if err == nil && found.known {
			return search.word + " is a schema: list_tables shows its tables"
		}
	}
	return ""
}

// findNames asks with the rights of the login, and finds only names that the role of the caller may see.
func (h *sqlTool) findNames(ctx context.Context, search nameArgs) (*candidates, error) {
	id := identity(ctx)
	if id != nil {
		id.DatabaseRole, id.KeepPath = "", h.keepsPath()
	}
	return findNames(ctx, h.db, id, search, callerArgs(ctx))
}
