package registry

import (
	"encoding/json"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
)

// textValue writes the value of a parameter as PostgreSQL's text form; nil is NULL.
func textValue(p catalog.Param, value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	items, ok := value.([]any)
	if !p.Type.Array || !ok {
		return scalarText(p.Type.Scalar, value)
	}
	list := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			list = append(list, ',')
		}
		text, err := scalarText(p.Type.Scalar, item)
		if err != nil {
			return nil, err
		}
		list = pgtext.AppendItem(list, text)
	}
	return append(list, '}'), nil
}

func scalarText(s catalog.Scalar, value any) ([]byte, error) {
	if text, ok := value.(string); ok && s != catalog.JSON {
		return []byte(text), nil
	}
	return json.Marshal(value) // a number as it is written
}

// bind makes the values of a statement's placeholders from the checked arguments and the server's own.
func bind(t *catalog.Tool, st catalog.Statement, args map[string]any, own map[string][]byte) ([][]byte, error) {
	values := make([][]byte, len(st.Args))
	for i, name := range st.Args {
		if v, ok := own[name]; ok {
			values[i] = v
			continue
		}
		for _, p := range t.Params {
			if p.Name != name {
				continue
			}
			v, err := textValue(p, args[name])
			if err != nil {
				return nil, err
			}
			values[i] = v
		}
	}
	return values, nil
}
