// Package pgtext writes and reads the small pieces of text that SQL, PostgreSQL's protocol and JSON are made of: quoted
// identifiers, literals, arrays and JSON strings.
package pgtext

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Identifier quotes the parts of a name and joins them with dots. An empty part is left out, such as the schema of a name
// without one.
func Identifier(parts ...string) string {
	var quoted []string
	for _, part := range parts {
		if part != "" {
			quoted = append(quoted, `"`+strings.ReplaceAll(part, `"`, `""`)+`"`)
		}
	}
	return strings.Join(quoted, ".")
}

// Unquote reads an identifier in quotes; any other text is returned as it is.
func Unquote(name string) string {
	if len(name) < 2 || name[0] != '"' || name[len(name)-1] != '"' {
		return name
	}
	return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
}

// Literal writes a string constant that means the same whatever standard_conforming_strings and backslash_quote are.
func Literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// Array writes the text form of an array of texts.
func Array(items []string) []byte {
	array := []byte{'{'}
	for i, item := range items {
		if i > 0 {
			array = append(array, ',')
		}
		array = AppendItem(array, []byte(item))
	}
	return append(array, '}')
}

// AppendItem appends an item of an array in quotes; nil is NULL.
func AppendItem(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "NULL"...)
	}
	dst = append(dst, '"')
	for _, c := range text {
		if c == '"' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// OIDs writes the text form of an array of OIDs.
func OIDs(oids []uint32) []byte {
	array := []byte{'{'}
	for i, oid := range oids {
		if i > 0 {
			array = append(array, ',')
		}
		array = strconv.AppendUint(array, uint64(oid), 10)
	}
	return append(array, '}')
}

// OID reads an OID as PostgreSQL writes it; any other text is 0, which no object has.
func OID(text []byte) uint32 {
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// ReadOIDs reads an array of OIDs as PostgreSQL writes it.
func ReadOIDs(array []byte) []uint32 {
	var oids []uint32
	for _, item := range bytes.FieldsFunc(array, func(r rune) bool { return r == '{' || r == ',' || r == '}' }) {
		oids = append(oids, OID(item))
	}
	return oids
}

// Cut returns the beginning of text that has at most limit bytes and does not end within a character.
func Cut[T string | []byte](text T, limit int) T {
	if len(text) <= limit {
		return text
	}
	n := limit
	for n > 0 && n > limit-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// Shorten is Cut with "..." where something is missing; the dots are within the limit.
func Shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return Cut(text, limit-len("...")) + "..."
}

// JSON writes a value as JSON on one line, with <, > and & as they are. A value that JSON can't hold is "null".
func JSON(value any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(value) != nil {
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
