package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"mcp-postgres/catalog"
)

// validator checks the arguments of one tool and words what is wrong so that a model can mend it.
type validator struct {
	// schema compiles the input schema when it is first asked for: a start need not wait for tools that nobody calls.
	schema func() (*jsonschema.Schema, error)
	params []catalog.Param
	names  []string
}

func newValidator(name string, input json.RawMessage, params []catalog.Param) *validator {
	v := &validator{schema: sync.OnceValues(func() (*jsonschema.Schema, error) { return compileSchema(name, input) }), params: params}
	for _, p := range params {
		v.names = append(v.names, p.Name)
	}
	return v
}

func compileSchema(name string, input json.RawMessage) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(input))
	if err != nil {
		return nil, fmt.Errorf("reading the input schema of %s: %w", name, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.RegisterFormat(localFormat("date-time-local", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"))
	c.RegisterFormat(localFormat("time-local", "15:04:05.999999999", "15:04"))
	url := "tool:" + name
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("reading the input schema of %s: %w", name, err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compiling the input schema of %s: %w", name, err)
	}
	return s, nil
}

func localFormat(name string, layouts ...string) *jsonschema.Format {
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		s, ok := v.(string)
		if !ok {
			return nil
		}
		for _, layout := range layouts {
			if _, err := time.Parse(layout, s); err == nil {
				return nil
			}
		}
		return errors.New("no time zone wanted")
	}}
}

// arguments reads raw, checks it and fills in the defaults. A null is an absent argument.
func (v *validator) arguments(raw json.RawMessage) (map[string]any, error) {
	args, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	for name, value := range args {
		if value == nil && slices.Contains(v.names, name) {
			delete(args, name)
		}
	}
	if !v.evident(args) {
		schema, err := v.schema()
		if err != nil {
			return nil, err
		}
		if err := schema.Validate(map[string]any(args)); err != nil {
			return nil, v.words(err)
		}
	}
	for _, p := range v.params {
		if _, ok := args[p.Name]; !ok && p.Default != nil {
			args[p.Name] = p.Default
		}
	}
	return args, nil
}

// evident reports that the arguments fit the schema where that needs no look at it: that takes longer than all else before
// the database. What is not evident may fit as well.
func (v *validator) evident(args map[string]any) bool {
	known := 0
	for _, p := range v.params {
		value, ok := args[p.Name]
		if ok && evident(p, value) {
			known++
		} else if ok || p.Required {
			return false
		}
	}
	return known == len(args)
}

func evident(p catalog.Param, value any) bool {
	if p.Type.Array {
		return false
	}
	switch value := value.(type) {
	case bool:
		return p.Type.Scalar == catalog.Boolean && p.Enum == nil
	case string:
		return p.Type.Scalar == catalog.String && p.MinLength == nil && p.MaxLength == nil && p.Pattern == "" &&
			(p.Enum == nil || slices.Contains(p.Enum, any(value)))
	case json.Number:
		return p.Type.Scalar == catalog.Integer && p.Enum == nil && whole(value.String(), p.Minimum, p.Maximum)
	}
	return false
}

// whole reports that n is a whole number between the bounds, of which an empty one is none.
func whole(n, least, most string) bool {
	number, err := strconv.ParseInt(n, 10, 64)
	for i, bound := range []string{least, most} {
		if bound == "" || err != nil {
			continue
		}
		var limit int64
		if limit, err = strconv.ParseInt(bound, 10, 64); err == nil && (i == 0 && number < limit || i == 1 && number > limit) {
			return false
		}
	}
	return err == nil
}

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
	return args, plain("", args)
}

// plain refuses what no parameter can hold: a NUL character, and numbers of a size that would cost the check its memory.
func plain(path string, value any) error {
	switch value := value.(type) {
	case map[string]any:
		for k, item := range value {
			if err := plain(join(path, k), item); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range value {
			if err := plain(fmt.Sprintf("%s[%d]", path, i), item); err != nil {
				return err
			}
		}
	case string:
		if strings.ContainsRune(value, 0) {
			return argumentError(path + ": holds the character U+0000, which PostgreSQL can't store")
		}
	case json.Number:
		return plainNumber(path, value.String())
	}
	return nil
}

func plainNumber(path, n string) error {
	mantissa, exponent, ok := strings.Cut(strings.ToLower(n), "e")
	if digits := strings.TrimLeft(exponent, "+-0"); len(mantissa) > 1000 || ok && (len(digits) > 3 || len(digits) == 3 && digits > "400") {
		return argumentError(fmt.Sprintf("%s: %.20s... is too large a number", path, n))
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// words turns the findings of the schema into sentences, one for each.
func (v *validator) words(err error) error {
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return argumentError("the arguments don't fit the input schema")
	}
	var list []string
	v.collect(ve, &list)
	slices.Sort(list)
	return argumentError(strings.Join(slices.Compact(list), "; "))
}

func (v *validator) collect(ve *jsonschema.ValidationError, list *[]string) {
	for _, cause := range ve.Causes {
		v.collect(cause, list)
	}
	if len(ve.Causes) == 0 {
		*list = append(*list, v.sentence(location(ve.InstanceLocation), ve.ErrorKind)...)
	}
}

// location writes a JSON pointer as people do: table_types[0].
func location(parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		switch {
		case i > 0 && part != "" && strings.Trim(part, "0123456789") == "":
			fmt.Fprintf(&b, "[%s]", part)
		case i > 0:
			b.WriteString("." + part)
		default:
			b.WriteString(part)
		}
	}
	return b.String()
}

func (v *validator) sentence(at string, k jsonschema.ErrorKind) []string {
	switch k := k.(type) {
	case *kind.AdditionalProperties:
		var all []string
		for _, name := range k.Properties {
			all = append(all, v.unknown(name))
		}
		return all
	case *kind.Required:
		var all []string
		for _, name := range k.Missing {
			all = append(all, v.missing(name))
		}
		return all
	case *kind.Type:
		return []string{fmt.Sprintf("%s: is %s, want %s", at, article(k.Got), article(strings.Join(k.Want, " or ")))}
	case *kind.Enum:
		return []string{enumSentence(at, k)}
	case *kind.Format:
		return []string{fmt.Sprintf("%s: %s is not %s", at, show(k.Got), wanted(k.Want))}
	case *kind.Pattern:
		return []string{fmt.Sprintf("%s: %s does not match the pattern %s", at, show(k.Got), k.Want)}
	}
	return []string{at + ": " + bound(k)}
}

func bound(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return fmt.Sprintf("%s is less than the minimum %s", rat(k.Got), rat(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("%s is greater than the maximum %s", rat(k.Got), rat(k.Want))
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, fewer than the minimum %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, more than the maximum %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, fewer than the minimum %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d items, more than the maximum %d", k.Got, k.Want)
	}
	return "does not fit the input schema (" + strings.Join(k.KeywordPath(), ".") + ")"
}

func (v *validator) unknown(name string) string {
	hint := catalog.DidYouMean(name, v.names)
	switch {
	case hint == "" && len(v.names) == 0:
		hint = ": the tool takes none"
	case hint == "":
		hint = ": want " + strings.Join(v.names, ", ")
	}
	return fmt.Sprintf("unknown argument %q%s", name, hint)
}

func (v *validator) missing(name string) string {
	for _, p := range v.params {
		if p.Name == name && p.Description != "" {
			return fmt.Sprintf("missing argument %q: %s", name, p.Description)
		}
	}
	return fmt.Sprintf("missing argument %q", name)
}

func enumSentence(at string, k *kind.Enum) string {
	var want, names []string
	for _, w := range k.Want {
		want = append(want, show(w))
		names = append(names, fmt.Sprint(w))
	}
	return fmt.Sprintf("%s: %s is not one of %s%s", at, show(k.Got), strings.Join(want, ", "), catalog.DidYouMean(fmt.Sprint(k.Got), names))
}

// show writes a value as JSON, shortened.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "the value"
	}
	if len(b) > 80 {
		return strings.ToValidUTF8(string(b[:77]), "") + "..."
	}
	return string(b)
}

func rat(r *big.Rat) string {
	if n := r.Num().String(); r.IsInt() && len(n) > 40 {
		return fmt.Sprintf("%.20s... (%d digits)", n, len(n))
	} else if r.IsInt() {
		return n
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}

func article(kind string) string {
	if strings.HasPrefix(kind, "null") {
		return kind
	}
	if strings.IndexByte("aeiou", kind[0]) >= 0 {
		return "an " + kind
	}
	return "a " + kind
}

// wanted explains a format by an example.
func wanted(format string) string {
	example := map[string]string{
		"date": "2024-01-31", "time-local": "13:45:00", "date-time-local": "2024-01-31T13:45:00", "date-time": "2024-01-31T13:45:00Z",
		"duration": "P1DT2H (ISO 8601)", "uuid": "123e4567-e89b-12d3-a456-426614174000",
	}[format]
	return "a " + format + " such as " + example
}
