package registry

import (
	"encoding/json"
	"fmt"
	"strconv"

	"mcp-postgres/catalog"
)

// textValue writes an argument that fits its parameter as PostgreSQL's text form; nil is NULL.
func textValue(p catalog.Param, value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	if !p.Type.Array {
		return scalarText(p.Name, p.Type.Scalar, value)
	}
	items, ok := value.([]any)
	if !ok {
		return nil, argumentError(fmt.Sprintf("%s: want an array", p.Name))
	}
	list := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			list = append(list, ',')
		}
		text, err := scalarText(fmt.Sprintf("%s[%d]", p.Name, i), p.Type.Scalar, item)
		if err != nil {
			return nil, err
		}
		list = appendArrayItem(list, text)
	}
	return append(list, '}'), nil
}

// appendArrayItem quotes one item of an array literal.
func appendArrayItem(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "NULL"...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

func scalarText(at string, s catalog.Scalar, value any) ([]byte, error) {
	if s == catalog.JSON {
		return json.Marshal(value)
	}
	switch value := value.(type) {
	case string:
		return []byte(value), nil
	case bool:
		return strconv.AppendBool(nil, value), nil
	case json.Number:
		if s == catalog.Integer {
			return integerText(at, value.String())
		}
		return []byte(value.String()), nil
	}
	return nil, argumentError(fmt.Sprintf("%s: want a value of type %s", at, s))
}

// integerText writes 1e3 and 1.0, which JSON Schema calls integers, as PostgreSQL does.
func integerText(at, n string) ([]byte, error) {
	text := wholeNumber(n)
	if _, err := strconv.ParseInt(string(text), 10, 64); err != nil {
		return nil, argumentError(fmt.Sprintf("%s: %s is outside the range of a 64-bit integer", at, n))
	}
	return text, nil
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
