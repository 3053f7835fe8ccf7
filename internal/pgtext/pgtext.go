// Package pgtext writes and reads the small pieces of text that SQL, PostgreSQL's protocol and JSON are made of: quoted
// identifiers, literals, arrays and JSON strings.
package pgtext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Identifier quotes the parts of a name and joins them with dots. An empty part is left out, such as the schema of a
// name without one.
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

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (set [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		set[c] = c != '"' && c != '\\'
	}
	return set
}()

// AppendJSON appends text as a JSON string. It escapes only what JSON demands; invalid UTF-8 (from a database in
// SQL_ASCII) becomes U+FFFD.
func AppendJSON[T string | []byte](dst []byte, text T) []byte {
	dst = append(slices.Grow(dst, len(text)+2), '"')
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case plain[c]: // byte by byte: in the text of a JSON answer there is a quote every few of them
			dst = append(dst, c)
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < utf8.RuneSelf:
			dst = fmt.Appendf(dst, `\u%04x`, c)
		default:
			r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
			dst = utf8.AppendRune(dst, r) // one that is not valid is U+FFFD
			i += size - 1
		}
	}
	return append(dst, '"')
}

// JSONSize is how many bytes AppendJSON writes for text, without the quotes around it.
func JSONSize[T string | []byte](text T) int {
	n := len(text)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case plain[c]:
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		default:
			r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
			n += utf8.RuneLen(r) - size // one that is not valid is U+FFFD
			i += size - 1
		}
	}
	return n
}
