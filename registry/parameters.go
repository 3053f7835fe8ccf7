package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// parameters are the values of $1, $2, ... of a query. They travel as text, from which PostgreSQL makes what the statement
// needs. Only where that leaves a choice, or fails, are the types asked for that PostgreSQL infers.
type parameters struct {
	values []any
	types  []*postgres.Type // nil until asked for
	// bounded refuses large values of type xml, whose parser nothing can interrupt.
	bounded bool
}

// maxXML bounds the values that PostgreSQL may parse as XML, in bytes: the time of its parser grows with their square.
const maxXML = 32 << 10

// run runs the call with the parameters. A value that does not fit is named.
func (p *parameters) run(ctx context.Context, db Database, call postgres.Call, sink postgres.Sink) (postgres.Outcome, error) {
	if p.ambiguous() || p.bounded && jsonSize(p.values) > maxXML {
		call.Bind = p.bind
	} else {
		var err error
		if call.Args, err = p.texts(); err != nil {
			return postgres.Outcome{}, err
		}
	}
	out, err := db.Run(ctx, call, sink)
	var pg *postgres.Error
	if errors.As(err, &pg) && pg.Parameter > 0 && p.types == nil {
		call.Args, call.Bind = nil, p.bind // nothing has run: the values come before the execution
		out, err = db.Run(ctx, call, sink)
	}
	if errors.As(err, &pg) && pg.Parameter > 0 && pg.Parameter <= min(len(p.values), len(p.types)) {
		i := pg.Parameter - 1
		err = argumentError(fmt.Sprintf("parameters[%d]: %s is not a value of type %s (%s)", i, catalog.Show(p.values[i]), p.types[i].Name, pg.Message))
	}
	return out, err
}

// ambiguous reports an array: it may become an array or json.
func (p *parameters) ambiguous() bool {
	for _, v := range p.values {
		if _, ok := v.([]any); ok {
			return true
		}
	}
	return false
}

// bind is Call.Bind.
func (p *parameters) bind(types []*postgres.Type) ([][]byte, error) {
	if len(types) != len(p.values) {
		return nil, parameterCount(len(types), len(p.values))
	}
	p.types = types
	texts, err := p.texts()
	for i, t := range types {
		if p.bounded && len(texts) > 0 && len(texts[i]) > maxXML && t.HoldsXML() {
			return nil, argumentError(fmt.Sprintf("parameters[%d]: is %d bytes of XML, more than the maximum %d: nothing can interrupt PostgreSQL's XML parser",
				i, len(texts[i]), maxXML))
		}
	}
	return texts, err
}

func (p *parameters) texts() ([][]byte, error) {
	texts := make([][]byte, len(p.values))
	for i, v := range p.values {
		var t *postgres.Type
		if p.types != nil {
			t = p.types[i]
		}
		var err error
		if texts[i], err = parameterText(fmt.Sprintf("parameters[%d]", i), v, t); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// parameterText writes one value as text of type t; a nil t is unknown.
func parameterText(at string, value any, t *postgres.Type) ([]byte, error) {
	kind := postgres.Text
	if t != nil {
		kind = t.Kind
	}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case string:
		return readText(at, value, t)
	case json.Number:
		if kind == postgres.Int || kind == postgres.BigInt {
			return wholeNumber(value.String()), nil
		}
	case []any:
		switch {
		case t == nil || kind == postgres.JSON:
		case kind == postgres.Array:
			return arrayText(at, value, t)
		default:
			return nil, argumentError(fmt.Sprintf("%s: is an array, want a value of type %s", at, t.Name))
		}
	}
	return json.Marshal(value)
}

// readText writes a text as PostgreSQL reads it; where an array or a whole number is wanted, also one in JSON: "[1, 2]", "3.0".
func readText(at, text string, t *postgres.Type) ([]byte, error) {
	if t == nil || t.Kind != postgres.Array && t.Kind != postgres.Int && t.Kind != postgres.BigInt {
		return []byte(text), nil
	}
	switch v := catalog.FromText(text).(type) {
	case []any:
		if t.Kind == postgres.Array {
			return arrayText(at, v, t)
		}
	case json.Number:
		if t.Kind != postgres.Array {
			return wholeNumber(v.String()), nil
		}
	}
	return []byte(text), nil
}

// arrayText writes a JSON array, also a nested one, as an array literal.
func arrayText(at string, items []any, t *postgres.Type) ([]byte, error) {
	list := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			list = append(list, t.Delim)
		}
		at := fmt.Sprintf("%s[%d]", at, i)
		if nested, ok := item.([]any); ok && t.Elem.Kind != postgres.JSON {
			text, err := arrayText(at, nested, t)
			if err != nil {
				return nil, err
			}
			list = append(list, text...)
			continue
		}
		text, err := parameterText(at, item, t.Elem)
		if err != nil {
			return nil, err
		}
		list = pgtext.AppendItem(list, text)
	}
	return append(list, '}'), nil
}

// wholeNumber writes 1e3 and 1.0 as PostgreSQL's integers are written; other numbers stay as they are.
func wholeNumber(n string) []byte {
	if strings.ContainsAny(n, ".eE") {
		if r, ok := new(big.Rat).SetString(n); ok && r.IsInt() {
			return []byte(r.Num().String())
		}
	}
	return []byte(n)
}

func parameterCount(want, got int) error {
	return argumentError(fmt.Sprintf("parameters: the statement has %s ($1 to $%d), but %d were given", plural(int64(want), "parameter"), want, got))
}
