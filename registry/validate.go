package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

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
