package catalog

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// mostProblems bounds what is said of the items of one array.
const mostProblems = 5

// Take gives the value that a JSON value of a call means for the parameter, or says what is wrong with it. A value of
// another JSON type is taken where it is exactly one of the declared type: "5" for the number 5, "[1, 2]" for a list,
// 5 for the text "5"; a text stays as it is where text is declared. The items of an array are replaced in place. Numbers
// are json.Number, and v has passed Unstorable. The value may be nil for type json.
func (p *Param) Take(v any) (any, []string) {
	if !p.Type.Array {
		v, problem := p.takeItem(v)
		if problem != "" {
			return nil, []string{p.Name + ": " + problem}
		}
		return v, nil
	}
	items, ok := v.([]any)
	if text, isText := v.(string); isText {
		read, _ := fromText(text)
		items, ok = read.([]any)
	}
	if !ok {
		return nil, []string{p.Name + ": is " + kindOf(v) + ", want an array" + p.asList(v)}
	}
	if problem := p.countProblem(len(items)); problem != "" {
		return nil, []string{p.Name + ": " + problem}
	}
	var problems []string
	for i, item := range items {
		value, problem := p.takeItem(item)
		if items[i] = value; problem != "" {
			problems = append(problems, fmt.Sprintf("%s[%d]: %s", p.Name, i, problem))
		}
		if len(problems) == mostProblems {
			break
		}
	}
	return items, problems
}

// ListsTexts reports an enum that model APIs take: of texts, none of them empty.
func (p *Param) ListsTexts() bool {
	return p.Enum != nil && p.Type.Scalar != JSON && !slices.ContainsFunc(p.Enum, func(v any) bool {
		text, ok := v.(string)
		return !ok || text == ""
	})
}

// asList shows the array that was meant by a value that could be its only item.
func (p *Param) asList(v any) string {
	if item, problem := p.takeItem(v); problem == "" && item != nil {
		if text := Show(item); !strings.HasSuffix(text, "...") {
			return " such as [" + text + "]"
		}
	}
	return ""
}

func (p *Param) takeItem(v any) (any, string) {
	v, problem := p.Type.Scalar.take(v)
	if problem == "" {
		problem = p.itemProblem(v)
	}
	return v, problem
}

// take gives the value of the type that v means, without a look at the bounds of a parameter.
func (s Scalar) take(v any) (any, string) {
	text, isText := v.(string)
	switch {
	case s == Any, s == String && isText:
		return v, ""
	case s == String:
		return s.toText(v)
	case s.texts():
		if isText && !s.Fits(text) {
			return nil, Show(text) + " is not " + s.Form()
		}
		return v, s.wrong(isText, v)
	case isText:
		return s.takeText(text)
	case s == Integer:
		return takeInteger(v)
	case s == Number:
		_, ok := v.(json.Number)
		return v, s.wrong(ok, v)
	case s == Boolean:
		_, ok := v.(bool)
		return v, s.wrong(ok, v)
	}
	return v, "" // json
}

// texts reports the types whose values are texts of some form.
func (s Scalar) texts() bool {
	switch s {
	case Date, Time, Timestamp, Timestamptz, Interval, UUID:
		return true
	}
	return false
}

func (s Scalar) toText(v any) (any, string) {
	switch v := v.(type) {
	case json.Number:
		return v.String(), ""
	case bool:
		return strconv.FormatBool(v), ""
	}
	return nil, s.wrong(false, v)
}

// takeText reads a value from a text for a type whose values are no texts.
func (s Scalar) takeText(text string) (any, string) {
	v, problem := fromText(text)
	_, again := v.(string)
	switch {
	case problem != "":
		return nil, problem
	case s == JSON && v == nil && strings.TrimSpace(text) != "null":
		return nil, Show(text) + " is not " + s.Form() + "; a string needs quotes of its own in it"
	case s != JSON && (v == nil || again):
		return nil, s.wrong(false, text)
	case s == JSON:
		return v, ""
	}
	if v, problem = s.take(v); problem != "" {
		return nil, s.wrong(false, text)
	}
	return v, ""
}

// takeInteger writes 1e3 and 1.0, which are whole numbers to JSON, as PostgreSQL writes them.
func takeInteger(v any) (any, string) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, Integer.wrong(false, v)
	}
	if strings.ContainsAny(n.String(), ".eE") {
		r, ok := new(big.Rat).SetString(n.String())
		if !ok || !r.IsInt() {
			return nil, Integer.wrong(false, v)
		}
		return json.Number(r.Num().String()), ""
	}
	return v, ""
}

// wrong says which type a value has, and which is wanted; nothing if it fits.
func (s Scalar) wrong(fits bool, v any) string {
	if fits {
		return ""
	}
	return "is " + kindOf(v) + ", want " + s.Form()
}

// kindOf names the JSON type of a value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}

// FromText reads a text that is exactly one JSON value which PostgreSQL can hold; it is nil for another text.
func FromText(text string) any {
	v, problem := fromText(text)
	if problem != "" {
		return nil
	}
	return v
}

// fromText reads a text that is exactly one JSON value; it is nil for another text. The problem is with a value that
// PostgreSQL can't hold.
func fromText(text string) (v any, problem string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || strings.TrimLeft(text[dec.InputOffset():], " \t\r\n") != "" {
		return nil, ""
	}
	if half := HalfCharacter([]byte(text)); half != nil {
		return nil, fmt.Sprintf("holds %s, which is half of a character", half)
	}
	return v, Unstorable(v)
}
