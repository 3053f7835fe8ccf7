package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"mcp-postgres/catalog"
)

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
