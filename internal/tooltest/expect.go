package tooltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/pgtext"
)

// answer is what a tested call came to.
type answer struct {
	body    json.RawMessage
	text    string // of an answer that is no JSON
	code    string // of an error
	result  catalog.Result
	columns []string
}

// differs says how the answer is not what is expected; it is empty where it is.
func (a *answer) differs(want catalog.Expect) string {
	if want.Error != "" || a.code != "" {
		return a.wrongError(want.Error)
	}
	rows, isList := a.value().([]any)
	var wrong []string
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if want.Rows != nil && isList && len(rows) != *want.Rows {
		fault("rows: got %d, want %d", len(rows), *want.Rows)
	}
	if want.MaxRows != nil && isList && len(rows) > *want.MaxRows {
		fault("max_rows: got %d, want at most %d", len(rows), *want.MaxRows)
	}
	if want.Columns != nil && !slices.Equal(want.Columns, a.columns) {
		fault("columns: got %s, want %s", strings.Join(a.columns, ", "), strings.Join(want.Columns, ", "))
	}
	if want.Affected != nil && !equal(decoded(a.member("affected")), json.Number(fmt.Sprint(*want.Affected))) {
		fault("affected: got %s, want %d", a.member("affected"), *want.Affected)
	}
	if want.Equals != nil && !equal(a.value(), decoded(want.Equals)) {
		fault("equals: got %s, want %s", excerpt(a.value()), want.Equals)
	}
	if want.Contains != nil {
		for _, missing := range a.missing(decoded(want.Contains)) {
			fault("contains: %s is not in %s", excerpt(missing), excerpt(a.value()))
		}
	}
	return strings.Join(wrong, "; ")
}

func (a *answer) wrongError(want string) string {
	switch {
	case a.code == want:
		return ""
	case a.code == "":
		return fmt.Sprintf("error: got an answer, want the error %s: %s", want, excerpt(decoded(a.body)))
	case want == "":
		return "got the error " + string(a.body)
	}
	return fmt.Sprintf("error: want %s, got %s", want, a.body)
}

// member is one member of the answer; null for one that is not there.
func (a *answer) member(name string) json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(a.body, &all) != nil || all[name] == nil {
		return json.RawMessage("null")
	}
	return all[name]
}

// value is the part of the answer that expectations are about.
func (a *answer) value() any {
	switch a.result {
	case catalog.Rows:
		return decoded(a.member("items"))
	case catalog.Value:
		return decoded(a.member("value"))
	case catalog.Text:
		return a.text
	}
	whole := decoded(a.body)
	if object, ok := whole.(map[string]any); ok && !slices.Contains(a.columns, "notices") {
		delete(object, "notices") // said beside the row
	}
	return whole
}

// missing gives the parts of want that the answer does not hold.
func (a *answer) missing(want any) []any {
	list, isList := want.([]any)
	if a.result != catalog.Rows && a.result != catalog.Text || !isList {
		list = []any{want}
	}
	got := a.value()
	return slices.DeleteFunc(list, func(w any) bool {
		if rows, ok := got.([]any); ok && a.result == catalog.Rows {
			return slices.ContainsFunc(rows, func(row any) bool { return holds(row, w) })
		}
		if part, ok := w.(string); ok && a.result == catalog.Text {
			return strings.Contains(a.text, part)
		}
		return holds(got, w)
	})
}

// holds reports whether got has all that want has: keys of objects and items of lists that want leaves out may be
// anything.
func holds(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		for key, w := range want {
			g, has := object[key]
			ok = ok && has && holds(g, w)
		}
		return ok
	case []any:
		list, ok := got.([]any)
		return ok && !slices.ContainsFunc(want, func(w any) bool {
			return !slices.ContainsFunc(list, func(g any) bool { return holds(g, w) })
		})
	}
	return equal(got, want)
}

// equal compares JSON values; numbers by what they are worth.
func equal(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		return ok && maps.EqualFunc(object, want, equal)
	case []any:
		list, ok := got.([]any)
		return ok && slices.EqualFunc(list, want, equal)
	case json.Number:
		number, ok := got.(json.Number)
		a, aOK := new(big.Rat).SetString(string(want))
		b, bOK := new(big.Rat).SetString(string(number))
		return ok && aOK && bOK && a.Cmp(b) == 0
	}
	return got == want
}

// decoded keeps the digits of numbers. What is not there is null.
func decoded(raw json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

const maxExcerpt = 400

func excerpt(v any) string { return pgtext.Shorten(pgtext.JSON(v), maxExcerpt) }
