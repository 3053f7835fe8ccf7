package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
)

// offer is a tool with the databases in which the caller may call it.
type offer struct {
	name  string
	in    []*Served
	tools []*tool
}

// offers are the tools of the caller, sorted. The databases are asked at the same time.
func (d *Databases) offers(ctx context.Context) []*offer {
	all := d.All()
	found := make([][]*tool, len(all))
	d.each(ctx, all, func(ctx context.Context, i int, s *Served) { found[i] = s.offered(ctx, s.set.Load().tools...) })
	byName := map[string]*offer{}
	for i, tools := range found {
		for _, t := range tools {
			o := byName[t.def.Name]
			if o == nil {
				o = &offer{name: t.def.Name}
				byName[o.name] = o
			}
			o.in, o.tools = append(o.in, all[i]), append(o.tools, t)
		}
	}
	if d.choice(ctx) && d.mayList(ctx) {
		byName[listDatabasesName] = &offer{name: listDatabasesName, tools: []*tool{d.list}}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *offer) int { return strings.Compare(a.name, b.name) })
}

// definition is the tool as tools/list shows it. The argument is there where the caller has a choice; one tool of the
// list says what the databases are.
func (o *offer) definition(choice, describing bool) mcp.Tool {
	shown := o.tools[0]
	for _, t := range o.tools { // what writes in one of them does not only read
		if t.def.Access == catalog.Write && shown.def.Access != catalog.Write {
			shown = t
		}
	}
	def := shown.definition()
	for _, t := range o.tools {
		if !bytes.Equal(t.schema.Output, shown.schema.Output) {
			def.RawOutputSchema = nil
		}
	}
	switch {
	case !choice || len(o.in) == 0 || o.in[0].ownsArgument(o.name):
	case len(o.in) == 1:
		def.Description += " Database " + o.in[0].Name + "."
	default:
		def.RawInputSchema = o.inputSchema(shown.def, describing)
	}
	return def
}

// inputSchema is that of the tool with the argument.
func (o *offer) inputSchema(t *catalog.Tool, describing bool) json.RawMessage {
	s := InputSchema(t)
	arg := &jsonschema.Schema{Type: "string"}
	var texts []string
	for _, served := range o.in {
		arg.Enum = append(arg.Enum, served.Name)
		text := served.Name
		if served.Description != "" {
			text += ": " + strings.TrimSuffix(served.Description, ".")
		}
		texts = append(texts, text)
	}
	if o.name == schemaText {
		arg.Enum = append(arg.Enum, everyDatabase)
	}
	if describing {
		arg.Description = strings.Join(texts, "; ") + ". Default " + o.in[0].Name + "."
	}
	s.Properties.Set(argDatabase, arg)
	raw, err := json.Marshal(s)
	if err != nil {
		return nil // texts and numbers, written once before
	}
	return raw
}

// definitions are what tools/list shows to the caller.
func (d *Databases) definitions(ctx context.Context) []mcp.Tool {
	offers := d.offers(ctx)
	describing := queryName // the tool that says what the databases are
	if slices.ContainsFunc(offers, func(o *offer) bool { return o.name == schemaText }) {
		describing = schemaText
	}
	choice := d.choice(ctx)
	var all []mcp.Tool
	for _, o := range offers {
		all = append(all, o.definition(choice, o.name == describing))
	}
	return all
}

const listDatabasesName = "list_databases"

// databaseInfo is one item of list_databases.
type databaseInfo struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
	ReadOnly    bool   `json:"read_only"`
	presence
	Notice string `json:"notice,omitempty"`
}

// databaseList is the answer of list_databases.
type databaseList struct {
	Items []databaseInfo `json:"items"`
}

// newListDatabases makes the tool, which is there where there are several databases.
func (d *Databases) newListDatabases() *tool {
	output, err := schemaOf(&databaseList{})
	if err != nil {
		panic(err) // it is made of a type of this file
	}
	t, err := newTool(&catalog.Tool{
		Name: listDatabasesName, Title: "List databases", Access: catalog.Read, Hints: catalog.Hints{Idempotent: true},
		Result: catalog.Object, Description: "Lists the databases that the argument database names, and whether they answer.",
	}, output, listDatabases{d})
	if err != nil {
		panic(err) // it has no arguments
	}
	return t
}

type listDatabases struct{ *Databases }

func (l listDatabases) call(ctx context.Context, _ *call) (*Answer, error) {
	visible := l.visible(ctx)
	list := databaseList{make([]databaseInfo, len(visible))}
	l.each(ctx, visible, func(ctx context.Context, i int, s *Served) {
		item := databaseInfo{Name: s.Name, Description: s.Description, Default: s.Main, ReadOnly: s.config.ReadOnly}
		var err error
		if item.presence, err = s.presence(ctx); err != nil {
			if e, ok := userMessage(err, ""); ok {
				item.Notice = e.Message
			} else {
				item.Notice = "it does not answer; the log says why"
			}
		}
		list.Items[i] = item
	})
	body, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("writing the answer: %w", err)
	}
	return jsonAnswer(body), nil
}

// callList answers a call of list_databases.
func (d *Databases) callList(ctx context.Context, args json.RawMessage) (*Answer, error) {
	if !d.mayList(ctx) {
		return nil, d.noTool(ctx, listDatabasesName)
	}
	answer, _ := d.All()[0].run(ctx, toolsCall, d.list, args)
	return answer, nil
}

// mayList reports whether the role of the caller has list_databases, in whichever database.
func (d *Databases) mayList(ctx context.Context) bool {
	return slices.ContainsFunc(d.visible(ctx), func(s *Served) bool {
		in, _ := d.In(ctx, s)
		return mayCall(in, d.list.def) && !slices.Contains(s.config.Without, listDatabasesName)
	})
}
