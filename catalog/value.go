package catalog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/pgtext"
)

// Take gives the value that a JSON value of a call means for the parameter, or says what is wrong with it. A value of
// another JSON type is taken where it is exactly one of the declared type: "5" for the number 5, "[1, 2]" for a list,
// 5 for the text "5"; a text stays as it is where text is declared. The items of an array are replaced in place.
// Numbers are json.Number, and v has passed Unstorable. The value may be nil for type json.
func (p *Param) Take(v any) (any, []string) {
	v, wrong := p.judge(v, false)
	var problems []string
	for _, w := range wrong {
		at := p.Name
		if w.item >= 0 {
			at = fmt.Sprintf("%s[%d]", p.Name, w.item)
		}
		problems = append(problems, at+": "+w.problem)
	}
	return v, problems
}

// TakeArguments gives each argument of a call the value that it means for its parameter and fills in the defaults, or
// says what is wrong with the arguments. A null is an absent argument.
func TakeArguments(params []Param, args map[string]any) []string {
	var problems []string
	known := 0
	for i := range params {
		p := &params[i]
		value := args[p.Name]
		if value != nil {
			var wrong []string
			if value, wrong = p.Take(value); wrong != nil {
				problems = append(problems, wrong...)
				known++
				continue
			}
		}
		if value == nil && p.Required {
			problems = append(problems, missingArgument(p))
		}
		if value == nil {
			value = p.Default
		}
		if value == nil {
			delete(args, p.Name)
			continue
		}
		args[p.Name] = value
		known++
	}
	if known < len(args) {
		for name := range args {
			if !slices.Contains(paramNames(params), name) {
				problems = append(problems, unknownArgument(name, params))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

func missingArgument(p *Param) string {
	if p.Description == "" {
		return fmt.Sprintf("missing argument %q", p.Name)
	}
	return fmt.Sprintf("missing argument %q: %s", p.Name, strings.TrimSuffix(p.Description, "."))
}

func unknownArgument(name string, params []Param) string {
	if len(params) == 0 {
		return fmt.Sprintf("unknown argument %q: the tool takes none", name)
	}
	return fmt.Sprintf("unknown argument %q%s", name, faults.Suggest(name, paramNames(params)))
}

// wrong is what is wrong with a value, or with one item of an array. item counts from 0; -1 is the value as a whole.
type wrong struct {
	item    int
	problem string
}

// mostProblems bounds what is said about the items of one array.
const mostProblems = 5

// judge checks every value: the arguments of a call, and the values in a tool file. strict takes no value of
// another JSON type: a file has to write what it means.
func (p *Param) judge(v any, strict bool) (any, []wrong) {
	if p.Names != "" && !p.Type.Array {
		var problem string
		if v, problem = p.oneName(v); problem != "" {
			return nil, []wrong{{-1, problem}}
		}
	}
	if !p.Type.Array {
		v, problem := p.judgeItem(v, strict)
		if problem != "" {
			return nil, []wrong{{-1, problem}}
		}
		return v, nil
	}
	items, ok := v.([]any)
	if text, isText := v.(string); isText && !strict {
		read, _ := FromText(text)
		items, ok = read.([]any)
	}
	if !ok {
		return nil, []wrong{{-1, Show(v) + " is not an array" + p.asList(v, strict)}}
	}
	if problem := p.countProblem(len(items)); problem != "" {
		return nil, []wrong{{-1, problem}}
	}
	var problems []wrong
	for i, item := range items {
		value, problem := p.judgeItem(item, strict)
		if items[i] = value; problem != "" {
			problems = append(problems, wrong{i, problem})
		}
		if len(problems) == mostProblems {
			break
		}
	}
	if problems != nil {
		return nil, problems
	}
	return items, nil
}

// oneName gives the name in a list of one, which models write: ["orders"], as a list or as a text. A list of several
// stays a text where the SQL takes it apart. A name that begins with a bracket is written with quotes.
func (p *Param) oneName(v any) (any, string) {
	list, ok := v.([]any)
	if text, isText := v.(string); isText && strings.HasPrefix(strings.TrimSpace(text), "[") {
		read, _ := FromText(text)
		list, ok = read.([]any)
	}
	switch {
	case !ok:
		return v, ""
	case len(list) == 1:
		return list[0], ""
	case len(list) > 1 && p.several:
		return pgtext.JSON(list), ""
	}
	return nil, fmt.Sprintf("%s holds %d names: want one", Show(list), len(list))
}

// asList shows the array that was meant by a value that could be its only item.
func (p *Param) asList(v any, strict bool) string {
	if item, problem := p.judgeItem(v, strict); problem == "" && item != nil {
		if text := Show(item); !strings.HasSuffix(text, "...") {
			return " such as [" + text + "]"
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

// judgeItem judges a value of the scalar type, by its type and by the bounds of the parameter.
func (p *Param) judgeItem(v any, strict bool) (any, string) {
	v, problem := p.Type.Scalar.take(v, strict)
	if problem != "" {
		return nil, problem
	}
	switch v := v.(type) {
	case json.Number:
		problem = p.numberProblem(v.String())
	case string:
		problem = p.textProblem(v)
	}
	if problem == "" && p.Enum != nil && !contains(p.Enum, v) {
		problem = p.enumProblem(v)
	}
	return v, problem
}

func (p *Param) numberProblem(n string) string {
	_, err := strconv.ParseInt(n, 10, 64)
	switch {
	case p.Minimum != "" && compareNumbers(n, p.Minimum) < 0:
		return Show(json.Number(n)) + " is less than the minimum " + p.Minimum
	case p.Maximum != "" && compareNumbers(n, p.Maximum) > 0:
		return Show(json.Number(n)) + " is greater than the maximum " + p.Maximum
	case p.Type.Scalar == Integer && err != nil:
		return Show(json.Number(n)) + " is outside the range of a 64-bit integer"
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
	return Show(v) + " is not one of " + strings.Join(shown, ", ") + faults.DidYouMean(fmt.Sprint(v), words)
}

// ListsTexts reports an enum that the APIs of models take: of texts, none of them empty.
func (p *Param) ListsTexts() bool {
	return p.Enum != nil && p.Type.Scalar != JSON && !slices.ContainsFunc(p.Enum, func(v any) bool {
		text, ok := v.(string)
		return !ok || text == ""
	})
}

// take gives the value of the type that v means, or says what is wrong; it knows no bounds.
func (s Scalar) take(v any, strict bool) (any, string) {
	text, isText := v.(string)
	number, ok := v.(json.Number)
	switch {
	case s == Any, s == JSON && (strict || !isText), s == String && isText:
		return v, ""
	case s == String && !strict:
		_, isBool := v.(bool)
		if ok = ok || isBool; ok {
			v = fmt.Sprint(v)
		}
	case s == String:
		ok = false
	case scalarTypes[s].fits != nil:
		ok = isText && scalarTypes[s].fits(text)
	case isText && !strict:
		return s.takeText(text)
	case s == Integer && ok:
		if number, ok = WholeNumber(number); ok {
			v = number
		}
	case s == Boolean:
		_, ok = v.(bool)
	}
	if !ok {
		return nil, Show(v) + " is not " + s.Form()
	}
	return v, ""
}

// takeText reads a value from a text, for a type whose values are no texts.
func (s Scalar) takeText(text string) (any, string) {
	v, problem := FromText(text)
	switch {
	case problem != "":
		return nil, problem
	case s == JSON && v == nil && strings.TrimSpace(text) != "null":
		return nil, Show(text) + " is not " + s.Form() + "; a string needs quotes of its own in it"
	case s == JSON:
		return v, ""
	}
	if v, problem = s.take(v, true); problem != "" {
		return nil, Show(text) + " is not " + s.Form()
	}
	return v, ""
}

// WholeNumber writes 1e3 and 1.0, which are whole numbers to JSON, as PostgreSQL writes them.
func WholeNumber(n json.Number) (json.Number, bool) {
	if !strings.ContainsAny(n.String(), ".eE") {
		return n, true
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok || !r.IsInt() {
		return n, false
	}
	return json.Number(r.Num().String()), true
}

// FromText reads a text that is exactly one JSON value; it is nil for another text. The problem is with a value that
// PostgreSQL can't hold.
func FromText(text string) (v any, problem string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil || strings.TrimLeft(text[dec.InputOffset():], " \t\r\n") != "" {
		return nil, ""
	}
	if half := HalfCharacter([]byte(text)); half != nil {
		return nil, fmt.Sprintf("holds %s, which is half of a character", half)
	}
	if problem = Unstorable(v); problem != "" {
		return nil, problem
	}
	return v, ""
}

// Unstorable says what in a JSON value PostgreSQL can't hold, or nothing: a NUL character, or a number so large that
// reading it would take too much memory. Numbers are json.Number.
func Unstorable(value any) string {
	where, problem := unstorable(value)
	if where = strings.TrimPrefix(where, "."); where != "" {
		return where + ": " + problem
	}
	return problem
}

func unstorable(value any) (where, problem string) {
	switch value := value.(type) {
	case map[string]any:
		for k, item := range value {
			if where, problem := unstorable(item); problem != "" {
				return "." + k + where, problem
			}
		}
	case []any:
		for i, item := range value {
			if where, problem := unstorable(item); problem != "" {
				return fmt.Sprintf("[%d]%s", i, where), problem
			}
		}
	case string:
		if strings.IndexByte(value, 0) >= 0 {
			return "", "holds the character U+0000, which PostgreSQL can't store"
		}
	case json.Number:
		if tooLarge(value.String()) {
			return "", fmt.Sprintf("%.20s... is too large a number", value)
		}
	}
	return "", ""
}

func tooLarge(n string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(n), "e")
	digits := strings.TrimLeft(exponent, "+-0")
	return len(mantissa) > 1000 || ok && (len(digits) > 3 || len(digits) == 3 && digits > "400")
}

// HalfCharacter finds an escape of half a character in a JSON text: a decoder would put another character in its place.
func HalfCharacter(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\u`)) {
		return nil
	}
	for _, escape := range escapes.FindAll(text, -1) {
		if len(escape) == len(`\uD800`) {
			return escape
		}
	}
	return nil
}

// escapes finds the escapes of a JSON text, a pair of surrogates as one: one without its other half is as long as
// \uD800.
var escapes = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)`)

// scalarType is what there is to know of a scalar type.
type scalarType struct {
	sql  string // the type that PostgreSQL binds it as
	form string // a value, described to people and models
	// fits reports whether a text has the form of the type; it is nil for types whose values are no texts of one form.
	fits func(text string) bool
}

var scalarTypes = map[Scalar]scalarType{
	String:  {"text", "a string", nil},
	Integer: {"bigint", "an integer", nil},
	Number:  {"numeric", "a number", nil},
	Boolean: {"boolean", "true or false", nil},
	Date:    {"date", "a date such as 2024-01-31", isTime("2006-01-02")},
	// Without a zone; seconds may be left out.
	Time: {"time", "a time such as 09:30:00", func(text string) bool {
		return isTime("15:04:05")(text) || isTime("15:04:05")(text+":00")
	}},
	// Without a zone; a blank may stand in place of the T.
	Timestamp: {"timestamp", "a timestamp such as 2024-01-31T09:30:00", func(text string) bool {
		return isTime("2006-01-02T15:04:05")(strings.Replace(text, " ", "T", 1))
	}},
	// RFC 3339; an offset such as +02:00 may stand in place of the Z.
	Timestamptz: {"timestamptz", "a timestamp with a zone such as 2024-01-31T09:30:00Z", isTime(time.RFC3339)},
	// RFC 3339, appendix A.
	Interval: {"interval", "an ISO 8601 duration such as P1DT2H", func(text string) bool {
		return intervalPattern.MatchString(text) && intervalUnit.MatchString(text)
	}},
	UUID: {"uuid", "a uuid such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6", uuidPattern.MatchString},
	JSON: {"jsonb", `JSON text such as {"key": "value"}`, nil},
}

// Form describes a value of the type, to people and models.
func (s Scalar) Form() string { return scalarTypes[s].form }

var (
	strictTime      = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)?T?(\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?$`)
	intervalPattern = regexp.MustCompile(`^P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?)$`)
	intervalUnit    = regexp.MustCompile(`\d[A-Z]$`)
	uuidPattern     = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
)

// isTime refuses what time.Parse is too generous about: the year 0, commas, and hours of one digit.
func isTime(layout string) func(text string) bool {
	return func(text string) bool {
		_, err := time.Parse(layout, text)
		return err == nil && strictTime.MatchString(text) && !strings.HasPrefix(text, "0000-")
	}
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
func Show(v any) string { return pgtext.Shorten(pgtext.JSON(v), 80) }
