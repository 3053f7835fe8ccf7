package registry

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"mcp-postgres/catalog"
)

// SQLSTATEs of an unknown name.
const (
	codeNoTable    = "42P01"
	codeNoColumn   = "42703"
	codeNoFunction = "42883"
	codeNoSchema   = "3F000"
	codeNoObject   = "42704"
)

const lookupTimeout = 2 * time.Second

// lookup is a search for names like the wrong one. word is what the names are compared with, prefix is written
// before the one that is suggested.
type lookup struct {
	args         nameArgs
	word, prefix string
}

func (m *misnomer) lookup() lookup {
	n := len(m.name.Parts)
	args := nameArgs{kind: "type", word: m.name.Last().Text}
	if n > 1 {
		args.schema = m.name.Parts[n-2].Text
	}
	word, prefix := joined(args.schema, args.word), ""
	switch m.err.Code {
	case codeNoTable:
		args.kind = catalog.NamesTable
	case codeNoColumn:
		args.kind, args.tables = catalog.NamesColumn, append([]string{}, m.relations()...)
		for _, n := range m.names {
			if len(n.Parts) > 1 {
				args.schemas = append(args.schemas, n.Parts[0].Text)
			}
		}
		word, prefix = args.word, m.sql[m.name.Parts[0].Start:m.name.Last().Start]
	case codeNoFunction:
		args.kind = catalog.NamesFunction
		_, list, _ := strings.Cut(m.err.Message, m.name.String()+"(")
		if list, _, _ = strings.Cut(list, ")"); list != "" {
			args.count = 1 + strings.Count(list, ",")
		}
	case codeNoSchema:
		args.kind, args.word = catalog.NamesSchema, m.name.Parts[0].Text
		word = args.word
	}
	return lookup{args, word, prefix}
}

// aboutName reports the codes of an unknown name.
func aboutName(code string) bool {
	switch code {
	case codeNoTable, codeNoColumn, codeNoFunction, codeNoSchema, codeNoObject:
		return true
	}
	return false
}

func joined(schema, name string) string {
	if schema == "" {
		return name
	}
	return schema + "." + name
}

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
