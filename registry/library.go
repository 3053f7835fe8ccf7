package registry

import (
	"cmp"
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/sql"
)

// resources are the tool files that the library is made of.
//
//go:embed resources
var resources embed.FS

// The tool files that resources and completions are made of: whatever tools are offered, they are there.
const (
	schemaText = "describe_database"
	nameList   = "names"
	schemaList = "schemas"
)

// The URI templates of the resources (RFC 6570).
const (
	tableURI  = "table://{schema}/{table}"
	schemaURI = "schema://{schema}"
	toolURI   = "tool://{name}"
)

// firstRows are what table:// shows.
const firstRows = 20

// library serves resources and prompts, and completion for both.
type library struct {
	*Registry
	files map[string]*tool
}

func (r *Registry) newLibrary(c *Config, l rowLimits) (*library, error) {
	lib := &library{Registry: r, files: map[string]*tool{}}
	for _, name := range []string{schemaText, nameList, schemaList} {
		t, err := ownFile(name)
		if err != nil {
			return nil, err
		}
		made, err := newTool(t, nil,
			&sqlTool{tool: t, db: c.DB, guard: r.guard, notes: &r.notes, database: c.Name,
				limits: rowLimits{rows: t.Limits.Rows, bytes: l.bytes, cell: l.cell}})
		if err != nil {
			return nil, err
		}
		lib.files[name] = made
	}
	return lib, nil
}

func ownFile(name string) (*catalog.Tool, error) {
	files, path := resources, "resources/"+name+".sql"
	if name == schemaText {
		files, path = sql.Files, "explore/"+name+".sql"
	}
	text, err := files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, faults := catalog.ParseChecked(path, "", text)
	if len(faults) > 0 {
		return nil, faults
	}
	return t, nil
}

func (d *Databases) options() []server.ServerOption {
	return []server.ServerOption{
		server.WithResourceCapabilities(false, false), server.WithPromptCapabilities(true), server.WithCompletions(),
		server.WithHooks(&server.Hooks{
			OnAfterListResources: []server.OnAfterListResourcesFunc{d.listSchemas}, OnError: []server.OnErrorHookFunc{noteError},
			OnAfterListResourceTemplates: []server.OnAfterListResourceTemplatesFunc{d.visibleTemplates},
			OnAfterInitialize: []server.OnAfterInitializeFunc{func(ctx context.Context, _ any, _ *mcp.InitializeRequest,
				r *mcp.InitializeResult) {
				r.Instructions = d.instructionsFor(ctx)
			}},
			OnAfterDiscover: []server.OnAfterDiscoverFunc{func(ctx context.Context, _ any, _ *mcp.DiscoverRequest,
				r *mcp.DiscoverResult) {
				r.Instructions = d.instructionsFor(ctx)
			}},
		}),
		server.WithResourceCompletionProvider(d), server.WithPromptCompletionProvider(d),
		server.WithPromptFilter(d.visiblePrompts),
	}
}

// templates are those of the resources, with the database and without.
func (d *Databases) templates() (all []server.ServerResourceTemplate) {
	for _, place := range []string{"://", inDatabase} {
		if place == inDatabase && !d.several() {
			break
		}
		uri := func(template string) string { return strings.Replace(template, "://", place, 1) }
		all = append(all, d.template(uri(tableURI), "table", "application/json",
			fmt.Sprintf("The first %d rows of a table or view.", firstRows), (*library).tableRows),
			d.template(uri(schemaURI), "schema", "text/plain",
				"The map of a schema, as describe_database gives it: tables and "+
					"views with columns, types, keys, references, comments.", (*library).schemaText))
	}
	return append(all, d.template(toolURI, "tool", "application/sql", "The SQL of a tool.", (*library).toolSQL))
}

// inDatabase is what stands for "://" in the template of a resource in one of several databases.
const inDatabase = "://{database}/"

// visibleTemplates leaves those with the database to callers who have a choice, and to others those without.
func (d *Databases) visibleTemplates(ctx context.Context, _ any, _ *mcp.ListResourceTemplatesRequest,
	res *mcp.ListResourceTemplatesResult) {
	res.ResourceTemplates = slices.DeleteFunc(res.ResourceTemplates, func(t mcp.ResourceTemplate) bool {
		uri := t.URITemplate.Raw()
		return uri != toolURI && strings.Contains(uri, inDatabase) != d.choice(ctx)
	})
}

func (d *Databases) template(uri, name, mime, description string,
	read func(*library, context.Context, observe.Origin, map[string]string) (string,
		error)) server.ServerResourceTemplate {
	handler := func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		v := variables(req.Params.Arguments)
		if v[argDatabase] != "" && !d.choice(ctx) {
			return nil, server.ErrResourceNotFound // as for a URI that fits no template
		}
		in, s := d.libraryOf(ctx, v[argDatabase])
		if uri == toolURI {
			in, s = d.libraryWith(ctx, v["name"], "")
		}
		if s == nil {
			return nil, Missing(fmt.Sprintf("there is no database %.60q", v[argDatabase]))
		}
		text, err := read(s.library, in, observe.Origin{Method: string(mcp.MethodResourcesRead), Resource: req.Params.URI}, v)
		if err != nil {
			return nil, err
		}
		return []mcp.ResourceContents{mcp.TextResourceContents{URI: req.Params.URI, MIMEType: mime, Text: text}}, nil
	}
	return server.ServerResourceTemplate{Template: mcp.NewResourceTemplate(uri, name, mcp.WithTemplateMIMEType(mime),
		mcp.WithTemplateDescription(description)), Handler: handler}
}

// uri is the template of a resource, with the database where the caller has a choice.
func (d *Databases) uri(ctx context.Context, template string) string {
	if d.choice(ctx) {
		return strings.Replace(template, "://", inDatabase, 1)
	}
	return template
}

// libraryOf is the database of that name, or the first that the caller may use where there is no name; nil is none.
func (d *Databases) libraryOf(ctx context.Context, name string) (in context.Context, s *Served) {
	for _, s := range d.visible(ctx) {
		if name == "" || s.Name == name {
			in, _ = d.In(ctx, s)
			return in, s
		}
	}
	return ctx, nil
}

// libraryWith is the database of that name, or without a name the first in which the caller may call the tool; where
// that is none, it is as libraryOf.
func (d *Databases) libraryWith(ctx context.Context, tool, name string) (in context.Context, s *Served) {
	for _, s := range d.having(ctx, tool) {
		if name == "" || s.Name == name {
			in, _ = d.In(ctx, s)
			return in, s
		}
	}
	return d.libraryOf(ctx, name)
}

// listSchemas puts the schemas that the caller may see into resources/list, a page at a time: of several databases each
// has pages of its own. The library has no error for a list: the session makes the answer of one that is noted.
func (d *Databases) listSchemas(ctx context.Context, _ any, req *mcp.ListResourcesRequest,
	res *mcp.ListResourcesResult) {
	visible, choice, i := d.visible(ctx), d.choice(ctx), 0
	name, inner := pageOf(string(req.Params.Cursor))
	if choice {
		if i = slices.IndexFunc(visible, func(s *Served) bool { return s.Name == name }); i < 0 {
			i, inner = 0, ""
		}
	}
	var failed error
	for ; i < len(visible); i, inner = i+1, "" {
		in, _ := d.In(ctx, visible[i])
		page, err := visible[i].library.schemas(in, inner)
		if err != nil { // one that does not answer does not hide the others
			failed = err
			continue
		}
		place, next := "schema://", page.Next
		if choice {
			place += visible[i].Name + "/"
			next = nextPage(visible, i, next)
		}
		for _, s := range page.Items {
			res.Resources = append(res.Resources, mcp.NewResource(place+url.PathEscape(s.Schema), s.Schema,
				mcp.WithMIMEType("text/plain"),
				mcp.WithResourceDescription(cmp.Or(s.Comment, "Tables and views of the schema "+s.Schema+"."))))
		}
		res.NextCursor = mcp.Cursor(base64.StdEncoding.EncodeToString([]byte(next)))
		return
	}
	if failed != nil {
		noteError(ctx, nil, mcp.MethodResourcesList, nil, failed)
	}
}

// nextPage is where the list goes on; empty at its end.
func nextPage(visible []*Served, i int, next string) string {
	switch {
	case next != "":
		return visible[i].Name + "/" + next
	case i+1 < len(visible):
		return visible[i+1].Name + "/"
	}
	return ""
}

// pageOf reads a cursor: the database, where there are several, and the page in it. The library takes no other cursors
// than those in standard base64.
func pageOf(cursor string) (database, page string) {
	text, _ := base64.StdEncoding.DecodeString(cursor)
	if name, rest, ok := strings.Cut(string(text), "/"); ok {
		return name, rest
	}
	return "", string(text)
}

// schemaPage is a page of the schemas that a caller may see.
type schemaPage struct {
	Items []struct{ Schema, Comment string }
	Next  string `json:"next_cursor"`
}

func (l *library) schemas(ctx context.Context, cursor string) (page schemaPage, err error) {
	args := map[string]any{}
	if cursor != "" {
		args[catalog.ArgCursor] = cursor
	}
	body, err := l.readFile(ctx, observe.Origin{Method: string(mcp.MethodResourcesList)}, schemaList, args)
	if err == nil {
		err = json.Unmarshal([]byte(body), &page)
	}
	return page, err
}

// variables are those of a URI template, each with one value.
func variables(arguments map[string]any) map[string]string {
	values := map[string]string{}
	for name, v := range arguments {
		if list, ok := v.([]string); ok {
			values[name] = strings.Join(list, ",")
		}
	}
	return values
}

// tableRows reads a table as query does, and is allowed what query is allowed.
func (l *library) tableRows(ctx context.Context, from observe.Origin, v map[string]string) (string, error) {
	q, ok := l.tool(queryName)
	if !ok {
		return "", Missing("table:// needs the tool query, which is not offered")
	}
	if len(l.offered(ctx, q)) == 0 {
		rec := observe.NewRecord(ctx, from, queryName)
		rec.Outcome, rec.Rule = guard.Forbidden, "tool"
		l.config.Observer.Call(ctx, rec)
		return "", Missing("table:// needs the tool query, which is not offered")
	}
	rows := func(sql string) (string, error) {
		return l.read(ctx, from, q, map[string]any{"sql": sql, "row_limit": firstRows, "format": "json"})
	}
	text, err := rows("TABLE " + pgtext.Identifier(v["schema"], v["table"]))
	if denied := (*readError)(nil); errors.As(err, &denied) && denied.code == codeDenied {
		if sql := l.readableTable(ctx, v["schema"], v["table"]); sql != "" {
			return rows(sql)
		}
	}
	return text, err
}

// schemaChars bounds the text of schema://.
const schemaChars = 50_000

func (l *library) schemaText(ctx context.Context, from observe.Origin, v map[string]string) (string, error) {
	return l.readFile(ctx, from, schemaText, map[string]any{"schema": v["schema"], "max_chars": schemaChars})
}

func (l *library) toolSQL(ctx context.Context, _ observe.Origin, v map[string]string) (string, error) {
	t, ok := l.toolFor(ctx, v["name"])
	switch {
	case !ok:
		return "", Missing(l.unknownTool(ctx, v["name"]))
	case t.def.SQL == "":
		return "", Missing("the tool " + t.def.Name + " is not made of SQL")
	}
	return t.def.SQL, nil
}

func (l *library) readFile(ctx context.Context, from observe.Origin, name string, args map[string]any) (string, error) {
	t, ok := l.files[name]
	if !ok {
		return "", errors.New("this server has no such resource")
	}
	return l.read(ctx, from, t, args)
}

// read makes a call and gives its text. The words of an error are those of the tool's.
func (l *library) read(ctx context.Context, from observe.Origin, t *tool, args map[string]any) (string, error) {
	raw, err := json.Marshal(args)
	if err != nil {
		return "", errors.New("the name can't be read")
	}
	res, rec := l.run(ctx, from, t, raw)
	text := strings.Join(res.Texts, "")
	switch {
	case res.Err == nil:
		return text, nil
	case slices.Contains(absent, rec.Outcome):
		return "", Missing(text)
	}
	return "", &readError{rec.Outcome, text}
}

// readError is the error of a resource that could not be read; its text is for the client.
type readError struct{ code, text string }

func (u *readError) Error() string { return u.text }

// absent are the codes that say that a resource is not there for the caller: what a role may not see is not there.
var absent = []string{CodeNotFound, guard.Forbidden, "42P01", "3F000"}

// Missing is the error for a resource that does not exist; its text is for the client.
type Missing string

func (m Missing) Error() string { return string(m) }

// Is makes it the library's own error for that.
func (m Missing) Is(target error) bool { return target == server.ErrResourceNotFound }
