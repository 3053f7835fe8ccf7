package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Unstorable says what in a JSON value PostgreSQL can't hold, or nothing: a NUL character, or a number of a size that
// would cost its check the memory. Numbers are json.Number.
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

// escapes finds the escapes of a JSON text, a pair of surrogates as one: one without its other half is as long as \uD800.
var escapes = regexp.MustCompile(`\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u[dD][89a-fA-F]..|.)`)
