package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/catalog"
)

// validator checks the arguments of one tool and words what is wrong so that a model can mend it.
type validator struct {
	params []catalog.Param
	names  []string
}

func newValidator(params []catalog.Param) *validator {
	v := &validator{params: params}
	for _, p := range params {
		v.names = append(v.names, p.Name)
	}
	return v
}

// arguments reads raw, gives each value the type of its parameter, and fills in the defaults. A null is an absent
// argument.
func (v *validator) arguments(raw json.RawMessage) (map[string]any, error) {
	args, err := decodeObject(raw)
	if err != nil {
		return nil, err
	}
	var wrong []string
	known := 0
	for i := range v.params {
		p := &v.params[i]
		value := args[p.Name]
		if value != nil {
			var problems []string
			if value, problems = p.Take(value); problems != nil {
				wrong = append(wrong, problems...)
				known++
				continue
			}
		}
		if value == nil && p.Required {
			wrong = append(wrong, missingArgument(p))
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
		wrong = append(wrong, v.unknown(args)...)
	}
	if wrong != nil {
		slices.Sort(wrong)
		return nil, argumentError(strings.Join(wrong, "; "))
	}
	return args, nil
}

func missingArgument(p *catalog.Param) string {
	if p.Description == "" {
		return fmt.Sprintf("missing argument %q", p.Name)
	}
	return fmt.Sprintf("missing argument %q: %s", p.Name, p.Description)
}

// unknown names the arguments that are no parameters.
func (v *validator) unknown(args map[string]any) []string {
	var wrong []string
	for name := range args {
		if slices.Contains(v.names, name) {
			continue
		}
		hint := catalog.DidYouMean(name, v.names)
		switch {
		case hint == "" && len(v.names) == 0:
			hint = ": the tool takes none"
		case hint == "":
			hint = ": want " + strings.Join(v.names, ", ")
		}
		wrong = append(wrong, fmt.Sprintf("unknown argument %q%s", name, hint))
	}
	return wrong
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
	if problem := catalog.Unstorable(args); problem != "" {
		return nil, argumentError(problem)
	}
	return args, nil
}
