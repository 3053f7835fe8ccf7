package catalog

import (
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// bounds reads what limits the values of a parameter, and checks that some value is left.
func (f *file) bounds(p *Param, m mapping) {
	p.Minimum, p.Maximum = f.bound(p, m, "minimum"), f.bound(p, m, "maximum")
	if p.Minimum != "" && p.Maximum != "" && compareNumbers(p.Minimum, p.Maximum) > 0 {
		f.nodeFault(m.values["maximum"], "maximum %s is less than minimum %s: want minimum <= maximum", p.Maximum, p.Minimum)
	}
	p.MinLength, p.MaxLength = m.count("min_length", 0), m.count("max_length", 0)
	f.ordered(m, p.MinLength, p.MaxLength, "min_length", "max_length")
	p.MinItems, p.MaxItems = m.count("min_items", 0), m.count("max_items", 0)
	f.ordered(m, p.MinItems, p.MaxItems, "min_items", "max_items")
	p.Pattern = f.pattern(m)
}

func (f *file) bound(p *Param, m mapping, key string) string {
	n := m.values[key]
	if n == nil {
		return ""
	}
	v, problem := scalarValue(n, p.Type.Scalar)
	if problem != "" {
		f.wrongKind(n, "%s %s", key, problem)
		return ""
	}
	return string(v.(json.Number))
}

func (f *file) ordered(m mapping, low, high *int, lowKey, highKey string) {
	if low != nil && high != nil && *low > *high {
		f.nodeFault(m.values[highKey], "%s %d is less than %s %d: want %s <= %s", highKey, *high, lowKey, *low, lowKey, highKey)
	}
}

// goOnly finds what Go's regular expressions know and those of JSON Schema, ECMA 262, don't.
var goOnly = regexp.MustCompile(`^(?:[^\\]|\\.)*?(\(\?(?:P<|[imsU-])|\\[AzQECa]|\[\[:)`)

func (f *file) pattern(m mapping) string {
	pattern, n := m.text("pattern"), m.values["pattern"]
	if pattern == "" {
		return ""
	}
	if _, err := regexp.Compile(pattern); err != nil {
		f.nodeFault(n, "pattern %q: %s: want a regular expression that RE2 and ECMAScript share", pattern,
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return ""
	}
	if found := goOnly.FindStringSubmatch(pattern); found != nil {
		f.nodeFault(n, "pattern %q: %s is unknown to ECMAScript: want a regular expression that RE2 and ECMAScript share",
			pattern, found[1])
		return ""
	}
	return pattern
}

// fitting reads a value of the parameter and checks it against all its bounds. It is nil if the node is absent or wrong.
func (f *file) fitting(p Param, n *yaml.Node, what string) any {
	if n == nil {
		return nil
	}
	if n.ShortTag() == "!!null" {
		f.nodeFault(n, "%s is null: want a value of type %s%s", what, p.Type, nullHint(what))
		return nil
	}
	v, ok := f.value(n, p.Type, what)
	if !ok {
		return nil
	}
	if problem := p.problem(v); problem != "" {
		f.nodeFault(n, "%s %s", what, problem)
		return nil
	}
	return v
}

func nullHint(what string) string {
	if what == "default" {
		return ", or no default: an absent argument is null anyway"
	}
	return ""
}

// problem says how v, which is of the parameter's type, breaks a bound.
func (p Param) problem(v any) string {
	if !p.Type.Array {
		return p.itemProblem(v)
	}
	items := v.([]any)
	switch {
	case p.MinItems != nil && len(items) < *p.MinItems:
		return fmt.Sprintf("has %d items: want at least %d", len(items), *p.MinItems)
	case p.MaxItems != nil && len(items) > *p.MaxItems:
		return fmt.Sprintf("has %d items: want at most %d", len(items), *p.MaxItems)
	}
	for _, item := range items {
		if problem := p.itemProblem(item); problem != "" {
			return "item " + problem
		}
	}
	return ""
}

func (p Param) itemProblem(v any) string {
	number, _ := v.(json.Number)
	word, _ := v.(string)
	length := utf8.RuneCountInString(word)
	switch {
	case p.Minimum != "" && compareNumbers(string(number), p.Minimum) < 0:
		return fmt.Sprintf("%s is less than the minimum %s", number, p.Minimum)
	case p.Maximum != "" && compareNumbers(string(number), p.Maximum) > 0:
		return fmt.Sprintf("%s is greater than the maximum %s", number, p.Maximum)
	case p.MinLength != nil && length < *p.MinLength:
		return fmt.Sprintf("%q has %d characters: want at least %d", word, length, *p.MinLength)
	case p.MaxLength != nil && length > *p.MaxLength:
		return fmt.Sprintf("%q has %d characters: want at most %d", word, length, *p.MaxLength)
	case p.Pattern != "" && !regexp.MustCompile(p.Pattern).MatchString(word):
		return fmt.Sprintf("%q does not match the pattern %s", word, p.Pattern)
	case p.Enum != nil && !contains(p.Enum, v):
		return show(v) + " is not in the enum: want " + p.enumWords(word)
	}
	return ""
}

func (p Param) enumWords(word string) string {
	var shown, words []string
	for _, v := range p.Enum {
		shown = append(shown, show(v))
		if s, ok := v.(string); ok {
			words = append(words, s)
		}
	}
	if near := Nearest(word, words, 1); near != nil && near[0] != word {
		return show(near[0]) + "?"
	}
	return oneOf(shown)
}

// compareNumbers compares two JSON numbers exactly.
func compareNumbers(a, b string) int {
	x, xOK := new(big.Rat).SetString(a)
	y, yOK := new(big.Rat).SetString(b)
	if !xOK || !yOK {
		return 0
	}
	return x.Cmp(y)
}

func contains(list []any, v any) bool {
	return slices.ContainsFunc(list, func(other any) bool {
		a, aOK := v.(json.Number)
		b, bOK := other.(json.Number)
		if aOK && bOK {
			return compareNumbers(string(a), string(b)) == 0
		}
		return reflect.DeepEqual(v, other)
	})
}

// show writes a value as JSON.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
