package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
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
	p.Pattern, p.compiled = f.pattern(m)
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

func (f *file) pattern(m mapping) (string, *regexp.Regexp) {
	pattern, n := m.text("pattern"), m.values["pattern"]
	if pattern == "" {
		return "", nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		f.nodeFault(n, "pattern %q: %s: want a regular expression that RE2 and ECMAScript share", pattern,
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return "", nil
	}
	if found := goOnly.FindStringSubmatch(pattern); found != nil {
		f.nodeFault(n, "pattern %q: %s is unknown to ECMAScript: want a regular expression that RE2 and ECMAScript share",
			pattern, found[1])
		return "", nil
	}
	return pattern, compiled
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
func (p *Param) problem(v any) string {
	if !p.Type.Array {
		return p.itemProblem(v)
	}
	items := v.([]any)
	if problem := p.countProblem(len(items)); problem != "" {
		return problem
	}
	for _, item := range items {
		if problem := p.itemProblem(item); problem != "" {
			return "item " + problem
		}
	}
	return ""
}

func (p *Param) countProblem(n int) string {
	switch {
	case p.MinItems != nil && n < *p.MinItems:
		return fmt.Sprintf("has %d items, fewer than the minimum %d", n, *p.MinItems)
	case p.MaxItems != nil && n > *p.MaxItems:
		return fmt.Sprintf("has %d items, more than the maximum %d", n, *p.MaxItems)
	}
	return ""
}

func (p *Param) itemProblem(v any) string {
	problem := ""
	switch v := v.(type) {
	case json.Number:
		problem = p.numberProblem(v.String())
	case string:
		problem = p.textProblem(v)
	}
	if problem == "" && p.Enum != nil && !contains(p.Enum, v) {
		problem = p.enumProblem(v)
	}
	return problem
}

func (p *Param) numberProblem(n string) string {
	switch {
	case p.Minimum != "" && compareNumbers(n, p.Minimum) < 0:
		return showNumber(n) + " is less than the minimum " + p.Minimum
	case p.Maximum != "" && compareNumbers(n, p.Maximum) > 0:
		return showNumber(n) + " is greater than the maximum " + p.Maximum
	case p.Type.Scalar == Integer && !fitsBigint(n):
		return showNumber(n) + " is outside the range of a 64-bit integer"
	}
	return ""
}

func (p *Param) textProblem(text string) string {
	if p.MinLength != nil || p.MaxLength != nil {
		switch n := utf8.RuneCountInString(text); {
		case p.MinLength != nil && n < *p.MinLength:
			return fmt.Sprintf("has %d characters, fewer than the minimum %d", n, *p.MinLength)
		case p.MaxLength != nil && n > *p.MaxLength:
			return fmt.Sprintf("has %d characters, more than the maximum %d", n, *p.MaxLength)
		}
	}
	if p.Pattern == "" {
		return ""
	}
	pattern := p.compiled
	if pattern == nil {
		pattern = regexp.MustCompile(p.Pattern)
	}
	if !pattern.MatchString(text) {
		return Show(text) + " does not match the pattern " + p.Pattern
	}
	return ""
}

func (p *Param) enumProblem(v any) string {
	var shown, words []string
	for _, allowed := range p.Enum {
		shown = append(shown, Show(allowed))
		words = append(words, fmt.Sprint(allowed))
	}
	return Show(v) + " is not one of " + strings.Join(shown, ", ") + DidYouMean(fmt.Sprint(v), words)
}

// compareNumbers compares two JSON numbers exactly.
func compareNumbers(a, b string) int {
	i, errI := strconv.ParseInt(a, 10, 64)
	j, errJ := strconv.ParseInt(b, 10, 64)
	if errI == nil && errJ == nil {
		return cmp.Compare(i, j)
	}
	x, xOK := new(big.Rat).SetString(a)
	y, yOK := new(big.Rat).SetString(b)
	if !xOK || !yOK {
		return 0
	}
	return x.Cmp(y)
}

func contains(list []any, v any) bool {
	if _, ok := v.(string); ok {
		return slices.Contains(list, v)
	}
	return slices.ContainsFunc(list, func(other any) bool {
		a, aOK := v.(json.Number)
		b, bOK := other.(json.Number)
		if aOK && bOK {
			return compareNumbers(string(a), string(b)) == 0
		}
		return reflect.DeepEqual(v, other)
	})
}

// Show writes a value as JSON, shortened.
func Show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "the value"
	}
	if len(b) > 80 {
		return strings.ToValidUTF8(string(b[:77]), "") + "..."
	}
	return string(b)
}

// showNumber writes a number, shortened.
func showNumber(n string) string {
	if len(n) > 40 {
		return fmt.Sprintf("%.20s... (%d digits)", n, len(n))
	}
	return n
}
