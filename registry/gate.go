package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/sqlscan"
)

// DefaultMaxSQLBytes bounds the SQL of query.
const DefaultMaxSQLBytes = sqlscan.DefaultMaxBytes

// Bounds of what a caller sends.
const (
	maxArguments      = 2 << 20 // bytes of JSON of one call
	maxParameters     = 1000
	maxParameterBytes = 1 << 20
)

// checkText is the check of arguments before anything reads them.
func checkText(raw json.RawMessage) error {
	if len(raw) > maxArguments {
		return argumentError(fmt.Sprintf("the arguments are %d bytes, more than the maximum %d", len(raw), maxArguments))
	}
	if !utf8.Valid(raw) {
		return argumentError("the arguments are not valid UTF-8")
	}
	if half := catalog.HalfCharacter(raw); half != nil {
		return argumentError(fmt.Sprintf("the arguments hold %s, which is half of a character", half))
	}
	return nil
}

// checkQuery is the check of query's SQL and parameters before anything reaches PostgreSQL. The number of parameters and
// NUL characters are checked with the arguments of every tool.
func checkQuery(sql string, values []any, maxBytes int) error {
	m, err := sqlscan.Gate(sql, maxBytes)
	if err != nil {
		return argumentError("sql: " + err.Error())
	}
	if size := jsonSize(values); size > maxParameterBytes {
		return argumentError(fmt.Sprintf("parameters: are %d bytes of JSON, more than the maximum %d", size, maxParameterBytes))
	}
	if m.Routine {
		return checkPlaceholders(nil, len(values))
	}
	return checkPlaceholders(m.Placeholders, len(values))
}

// checkPlaceholders wants each of $1 to $given, and no other. PostgreSQL would take memory for all numbers below a large one.
func checkPlaceholders(used []int, given int) error {
	for _, n := range used {
		if n == 0 {
			return argumentError("sql: $0 is used, but placeholders start at $1")
		}
		if n > given {
			return argumentError(fmt.Sprintf("sql: $%d is used, but parameters holds %s", n, plural(int64(given), "value")))
		}
	}
	for n := 1; n <= given; n++ {
		if !slices.Contains(used, n) {
			return argumentError(fmt.Sprintf("parameters: holds %s, but $%d is not used in sql", plural(int64(given), "value"), n))
		}
	}
	return nil
}

// jsonSize is about the length of a value as compact JSON: no character is escaped, and false counts as true does.
func jsonSize(value any) int {
	switch value := value.(type) {
	case string:
		return len(value) + len(`""`)
	case json.Number:
		return len(value)
	case []any:
		size := len("[]") + max(len(value)-1, 0)
		for _, item := range value {
			size += jsonSize(item)
		}
		return size
	case map[string]any:
		size := len("{}") + max(len(value)-1, 0)
		for name, item := range value {
			size += len(name) + len(`"":`) + jsonSize(item)
		}
		return size
	}
	return len("null")
}
