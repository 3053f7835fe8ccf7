package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends a value, given in PostgreSQL's text form, as JSON. A nil text is NULL. What is appended is always
// valid JSON: a text that the type does not explain becomes a string.
func (t *Type) AppendJSON(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case Bool:
		return strconv.AppendBool(dst, len(text) == 1 && text[0] == 't')
	case Int:
		return appendNumber(dst, text, true)
	case BigInt:
		return appendNumber(dst, text, exactInteger(text))
	case Float:
		return appendNumber(dst, text, true)
	case Numeric:
		return appendNumber(dst, text, exactNumeric(text))
	case JSON:
		return appendInline(dst, text)
	case Timestamp, Timestamptz:
		return appendTimestamp(dst, text)
	case Bytea:
		return appendBytea(dst, text)
	case Array:
		return t.appendArray(dst, text)
	}
	return AppendString(dst, text)
}

// appendNumber writes text as a number if it is one in JSON (NaN and Infinity are not) and loses nothing as a double.
func appendNumber(dst, text []byte, exact bool) []byte {
	if !exact || len(text) == 0 || text[len(text)-1] > '9' {
		return AppendString(dst, text)
	}
	return append(dst, text...)
}

// exactInteger reports whether a double holds the integer: its magnitude is at most 2^53.
func exactInteger(text []byte) bool {
	if len(text) < 16 {
		return true
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	return err == nil && n >= -(1<<53) && n <= 1<<53
}

// exactNumeric reports whether a double gives the digits back: always up to 15 significant ones.
func exactNumeric(text []byte) bool {
	if len(text) <= 15 {
		return true
	}
	if bytes.IndexByte(text, '.') < 0 {
		return exactInteger(text)
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return false
	}
	shortest := strconv.AppendFloat(nil, f, 'f', -1, 64)
	return bytes.Equal(shortest, bytes.TrimSuffix(bytes.TrimRight(text, "0"), []byte(".")))
}

// appendInline puts json in place, without its white space.
func appendInline(dst, text []byte) []byte {
	buf := bytes.NewBuffer(dst)
	if err := json.Compact(buf, text); err != nil {
		return AppendString(dst, text)
	}
	return buf.Bytes()
}

// appendTimestamp writes ISO 8601: a T for the space, and offsets with minutes. Infinity and BC stay as they are.
func appendTimestamp(dst, text []byte) []byte {
	dst = append(dst, '"')
	date, clock, ok := bytes.Cut(text, []byte(" "))
	dst = append(dst, date...)
	if ok {
		clock, era, bc := bytes.Cut(clock, []byte(" "))
		dst = append(append(dst, 'T'), clock...)
		if i := bytes.LastIndexAny(clock, "+-"); i >= 0 && len(clock)-i == 3 {
			dst = append(dst, ":00"...)
		}
		if bc {
			dst = append(append(dst, ' '), era...)
		}
	}
	return append(dst, '"')
}

func appendBytea(dst, text []byte) []byte {
	hexed, ok := bytes.CutPrefix(text, []byte(`\x`))
	if !ok {
		return AppendString(dst, text)
	}
	raw := make([]byte, hex.DecodedLen(len(hexed)))
	if _, err := hex.Decode(raw, hexed); err != nil {
		return AppendString(dst, text)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, raw)
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"

// AppendString appends text as a JSON string. It escapes only what JSON demands; invalid UTF-8 (from a database in
// SQL_ASCII) becomes U+FFFD.
func AppendString[T string | []byte](dst []byte, text T) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			end := min(len(text), i+utf8.UTFMax)
			if r, size := utf8.DecodeRuneInString(string(text[i:end])); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, text[start:i]...)
		dst = appendEscape(dst, c)
		i++
		start = i
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == '\r':
		return append(dst, '\\', 'r')
	case c == '\t':
		return append(dst, '\\', 't')
	case c < ' ':
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, "\ufffd"...)
}
