package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

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
	var wait sync.WaitGroup
	for i, s := range all {
		if in, ok := d.In(ctx, s); ok {
			wait.Go(func() { found[i] = s.offered(in, s.set.Load().tools...) })
		}
	}
	wait.Wait()
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
	if len(all) > 1 && len(byName) > 0 && d.mayList(ctx) {
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
	choice := len(d.visible(ctx)) > 1
	var all []mcp.Tool
	for _, o := range offers {
		all = append(all, o.definition(choice, o.name == describing))
	}
	return all
}
