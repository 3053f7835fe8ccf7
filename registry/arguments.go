package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
)

// maxArguments bounds the arguments of one call, in bytes of JSON.
const maxArguments = 2 << 20

// takeArguments reads the arguments of a call, gives each the value that it means for its parameter, and fills in the
// defaults.
func takeArguments(params []catalog.Param, raw json.RawMessage) (map[string]any, error) {
	args, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	if problems := catalog.TakeArguments(params, args); problems != nil {
		return nil, argumentError(strings.Join(problems, "; "))
	}
	return args, nil
}

// decodeObject reads an object whose values PostgreSQL can hold; no object at all is an empty one.
func decodeObject(raw json.RawMessage) (map[string]any, error) {
	if err := checkText(raw); err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return map[string]any{}, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var args map[string]any
	if err := dec.Decode(&args); err != nil {
		return nil, argumentError("the arguments are not a JSON object: want {\"name\": value, ...}")
	}
	if len(bytes.TrimSpace(raw[dec.InputOffset():])) > 0 {
		return nil, argumentError("the arguments are more than one JSON value: want one object")
	}
	if problem := catalog.Unstorable(args); problem != "" {
		return nil, argumentError(problem)
	}
	return args, nil
}

// checkText checks what must hold of the arguments before anything reads them.
func checkText(raw json.RawMessage) error {
	if len(raw) > maxArguments {
		return argumentError(fmt.Sprintf("the arguments are %d bytes, more than the maximum %d", len(raw), maxArguments))
	}
	if !utf8.Valid(raw) {
		return argumentError("the arguments are not valid UTF-8")
	}
	if half := catalog.HalfCharacter(raw); half != nil {
		return argumentError(fmt.Sprintf("the arguments hold %s, which is half of a character", half))
	}
	return nil
}

// bind makes the values of a statement's placeholders from the checked arguments and those that the server binds.
func bind(t *catalog.Tool, st catalog.Statement, args map[string]any, own map[string][]byte) [][]byte {
	values := make([][]byte, len(st.Args))
	for i, name := range st.Args {
		if v, ok := own[name]; ok {
			values[i] = v
			continue
		}
		for _, p := range t.Params {
			if p.Name == name {
				values[i] = paramText(p.Type, args[name])
			}
		}
	}
	return values
}

// paramText writes the value of a parameter in PostgreSQL's text form; nil is NULL.
func paramText(t catalog.Type, value any) []byte {
	if value == nil {
		return nil
	}
	items, ok := value.([]any)
	if !t.Array || !ok {
		return scalarText(t.Scalar, value)
	}
	list := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			list = append(list, ',')
		}
		list = pgtext.AppendItem(list, scalarText(t.Scalar, item))
	}
	return append(list, '}')
}

func scalarText(s catalog.Scalar, value any) []byte {
	if text, ok := value.(string); ok && s != catalog.JSON {
		return []byte(text)
	}
	return []byte(pgtext.JSON(value)) // a number as it is written
}

// nameParam is the parameter that takes names of a kind, the first of them; empty without one.
func nameParam(t *catalog.Tool, kind string) string {
	if i := slices.IndexFunc(t.Params, func(p catalog.Param) bool { return p.Names == kind }); i >= 0 {
		return t.Params[i].Name
	}
	return ""
}

// takesNames reports a tool with an argument that is a name.
func takesNames(t *catalog.Tool) bool {
	return slices.ContainsFunc(t.Params, func(p catalog.Param) bool { return p.Names != "" })
}

// sqlName is a name as SQL writes it, of one or two parts.
var sqlName = regexp.MustCompile(`^(?:("(?:[^"]|"")+"|[^".\s]+)\.)?("(?:[^"]|"")+"|[^".\s]+)$`)

// splitName reads a name as SQL writes it; the schema is empty where there is none. ok is false for any other text.
func splitName(text string) (schema, name string, ok bool) {
	parts := sqlName.FindStringSubmatch(text)
	if parts == nil {
		return "", "", false
	}
	for i, part := range parts {
		parts[i] = pgtext.Unquote(part)
	}
	return parts[1], parts[2], true
}

// plainNames takes the quotes off the arguments that are names, and the schema off qualified ones where another
// parameter takes it. What does not read as a name of SQL stays as it is, and so do dots without quotes that the
// fragment target takes apart.
func plainNames(t *catalog.Tool, args map[string]any) map[string]any {
	plain := maps.Clone(args)
	param := nameParam(t, catalog.NamesSchema)
	given, _ := plain[param].(string)
	if schema, name, ok := splitName(given); ok && schema == "" {
		plain[param] = name // whichever parameter the file has first
	}
	for _, p := range t.Params {
		text, _ := args[p.Name].(string)
		schema, name, ok := splitName(text)
		switch given, _ := plain[param].(string); {
		case p.Names == "" || !ok:
		case schema == "":
			plain[p.Name] = name
		case param == "" || p.Names == catalog.NamesSchema || given != "" && given != schema:
		case strings.Contains(text, `"`) || !slices.Contains(t.Use, "targets"):
			plain[p.Name], plain[param] = name, schema
		}
	}
	return plain
}
