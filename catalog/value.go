package catalog

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// value turns a node into the JSON value of a type.
func (f *file) value(n *yaml.Node, typ Type, what string) (any, bool) {
	if !typ.Array {
		v, problem := scalarValue(n, typ.Scalar)
		if problem != "" {
			f.wrongKind(n, "%s %s", what, problem)
		}
		return v, problem == ""
	}
	if n.Kind != yaml.SequenceNode {
		f.wrongKind(n, "%s is %s: want a list for type %s", what, describe(n), typ)
		return nil, false
	}
	list, ok := make([]any, len(n.Content)), true
	for i, item := range n.Content {
		v, problem := scalarValue(item, typ.Scalar)
		if problem != "" {
			f.wrongKind(item, "%s item %s", what, problem)
			ok = false
		}
		list[i] = v
	}
	return list, ok
}

// scalarValue turns a node into a JSON value, or says why it can't.
func scalarValue(n *yaml.Node, s Scalar) (v any, problem string) {
	switch s {
	case JSON:
		return jsonValue(n)
	case Integer:
		if !isNumber(n) || !integerPattern.MatchString(n.Value) || !fitsBigint(n.Value) {
			return nil, "is " + describe(n) + ": want an integer"
		}
		return json.Number(n.Value), ""
	case Number:
		return numberValue(n)
	case Boolean:
		if n.ShortTag() != "!!bool" {
			return nil, "is " + describe(n) + ": want true or false"
		}
		return strings.EqualFold(n.Value, "true"), ""
	}
	switch {
	case !isText(n):
		return nil, "is " + describe(n) + ": want " + s.Form() + quoteHint(n)
	case strings.IndexByte(n.Value, 0) >= 0:
		return nil, "holds a zero byte: want text"
	case !s.Fits(n.Value):
		return nil, strconv.Quote(n.Value) + ": want " + s.Form()
	}
	return n.Value, ""
}

var (
	integerPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	numberPattern  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
)

func isNumber(n *yaml.Node) bool { return n.ShortTag() == "!!int" || n.ShortTag() == "!!float" }

func fitsBigint(digits string) bool {
	_, err := strconv.ParseInt(digits, 10, 64)
	return err == nil
}

// numberValue takes the numbers of JSON only: YAML knows more, such as 0x1F, 1_000 and .inf.
func numberValue(n *yaml.Node) (any, string) {
	if !isNumber(n) || !numberPattern.MatchString(n.Value) {
		return nil, "is " + describe(n) + ": want a number as JSON writes it"
	}
	return json.Number(n.Value), ""
}

func jsonValue(n *yaml.Node) (any, string) {
	switch n.ShortTag() {
	case "!!map":
		return jsonObject(n)
	case "!!seq":
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			v, problem := jsonValue(item)
			if problem != "" {
				return nil, problem
			}
			list[i] = v
		}
		return list, ""
	case "!!null":
		return nil, ""
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), ""
	case "!!int", "!!float":
		return numberValue(n)
	}
	if !isText(n) || strings.IndexByte(n.Value, 0) >= 0 {
		return nil, "holds " + describe(n) + ": want a JSON value"
	}
	return n.Value, ""
}

func jsonObject(n *yaml.Node) (any, string) {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !isText(key) || strings.IndexByte(key.Value, 0) >= 0 {
			return nil, "has the key " + describe(key) + ": want text" + quoteHint(key)
		}
		if _, twice := object[key.Value]; twice {
			return nil, "has the key " + strconv.Quote(key.Value) + " twice: want it once"
		}
		v, problem := jsonValue(n.Content[i+1])
		if problem != "" {
			return nil, problem
		}
		object[key.Value] = v
	}
	return object, ""
}
