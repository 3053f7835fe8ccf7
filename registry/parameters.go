package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/sqlscan"
)

// defaultMaxSQLBytes bounds the SQL of query.
const defaultMaxSQLBytes = sqlscan.DefaultMaxBytes

// Bounds of query's parameters.
const (
	maxParameters     = 1000
	maxParameterBytes = 1 << 20 // of JSON
)

// parameters are the values of $1, $2, ... of a query. They travel as text, from which PostgreSQL makes what the
// statement needs. Only where that leaves a choice, or fails, are the types asked for that PostgreSQL infers.
type parameters struct {
	values []any
	types  []*postgres.Type // nil until asked for
	// bounded refuses large values of type xml, whose parser nothing can interrupt.
	bounded bool
}

// maxXML bounds the values that PostgreSQL may parse as XML, in bytes: the time of its parser grows with their square.
const maxXML = 32 << 10

// run runs the call with the parameters. A value that does not fit is named.
func (p *parameters) run(ctx context.Context, db Database, call postgres.Call, sink postgres.Sink) (
	postgres.Outcome, error) {
	ambiguous := slices.ContainsFunc(p.values, isArray) // it may become an array or json
	if ambiguous || p.bounded && jsonSize(p.values) > maxXML {
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
		wanted := ""
		if p.types[i].Kind == postgres.Array {
			wanted = ": want a JSON array"
		}
		err = argumentError(fmt.Sprintf("parameters[%d]: %s is not a value of type %s (%s)%s",
			i, catalog.Show(p.values[i]), p.types[i].Name, pg.Message, wanted))
	}
	return out, err
}

func isArray(v any) bool { _, ok := v.([]any); return ok }

// jsonSize is the size of the values as JSON, in bytes.
func jsonSize(values []any) int {
	if len(values) == 0 {
		return 0
	}
	return len(pgtext.JSON(values))
}

// bind is Call.Bind.
func (p *parameters) bind(types []*postgres.Type) ([][]byte, error) {
	if len(types) != len(p.values) {
		return nil, argumentError(fmt.Sprintf("parameters: the statement has %s ($1 to $%d), but %d were given",
			plural(int64(len(types)), "parameter"), len(types), len(p.values)))
	}
	p.types = types
	texts, err := p.texts()
	for i, t := range types {
		if p.bounded && len(texts) > 0 && len(texts[i]) > maxXML && t.HoldsXML() {
			return nil, argumentError(fmt.Sprintf("parameters[%d]: is %d bytes of XML, more than the maximum %d: "+
				"nothing can interrupt PostgreSQL's XML parser", i, len(texts[i]), maxXML))
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
		if texts[i], err = valueText(fmt.Sprintf("parameters[%d]", i), v, t); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// valueText writes a value of query's parameters as text of the type that PostgreSQL inferred; a nil type is one that
// was not asked for. at names the value in messages.
func valueText(at string, value any, t *postgres.Type) ([]byte, error) {
	kind := postgres.Text
	if t != nil {
		kind = t.Kind
	}
	if text, ok := value.(string); ok {
		read := readAs(text, kind)
		if read == nil {
			return []byte(text), nil
		}
		value = read
	}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case json.Number:
		if whole, ok := catalog.WholeNumber(value); ok && (kind == postgres.Int || kind == postgres.BigInt) {
			return []byte(whole), nil
		}
	case []any:
		switch {
		case t == nil || kind == postgres.JSON:
		case kind == postgres.Array:
			return arrayText(at, value, t)
		default:
			return nil, argumentError(fmt.Sprintf("%s: %s is not a value of type %s: for a list write = ANY ($1)",
				at, catalog.Show(value), t.Name))
		}
	}
	return []byte(pgtext.JSON(value)), nil
}

// readAs reads a text that is JSON for an array or a whole number, where one is wanted: "[1, 2]", "3.0". It is nil
// for any other text, which PostgreSQL reads itself.
func readAs(text string, kind postgres.Kind) any {
	if kind != postgres.Array && kind != postgres.Int && kind != postgres.BigInt {
		return nil
	}
	v, _ := catalog.FromText(text)
	switch v := v.(type) {
	case []any:
		if kind == postgres.Array {
			return v
		}
	case json.Number:
		if kind != postgres.Array {
			return v
		}
	}
	return nil
}

// arrayText writes a JSON array, also a nested one, as an array of PostgreSQL.
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
		text, err := valueText(at, item, t.Elem)
		if err != nil {
			return nil, err
		}
		list = pgtext.AppendItem(list, text)
	}
	return append(list, '}'), nil
}

// checkQuery is the check of query's SQL and parameters before anything reaches PostgreSQL. The number of parameters
// and NUL characters are checked with the arguments of every tool.
func checkQuery(sql string, values []any, maxBytes int) error {
	m, err := sqlscan.CheckLimits(sql, maxBytes)
	if err != nil {
		return argumentError("sql: " + err.Error())
	}
	if size := jsonSize(values); size > maxParameterBytes {
		return argumentError(fmt.Sprintf("parameters: are %d bytes of JSON, more than the maximum %d",
			size, maxParameterBytes))
	}
	if m.Routine {
		return checkPlaceholders(nil, len(values))
	}
	return checkPlaceholders(m.Placeholders, len(values))
}

// checkPlaceholders wants each of $1 to $given, and no other. PostgreSQL would take memory for all numbers below a
// large one.
func checkPlaceholders(used []int, given int) error {
	for _, n := range used {
		if n == 0 {
			return argumentError("sql: $0 is used, but placeholders start at $1")
		}
		if n > given {
			return argumentError(fmt.Sprintf("sql: $%d is used, but parameters holds %s", n, plural(int64(given), "value")))
		}
	}
	for n := 1; n <= given; n++ {
		if !slices.Contains(used, n) {
			return argumentError(fmt.Sprintf("parameters: holds %s, but $%d is not used in sql: write $1, $2, ... where "+
				"values go, not ?, :name or %%s", plural(int64(given), "value"), n))
		}
	}
	return nil
}
