package pgtext

import (
	"slices"
	"unicode/utf8"
)

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
		case c < utf8.RuneSelf:
			dst = appendControl(dst, c)
		default:
			r, size := utf8.DecodeRuneInString(string(text[i:min(len(text), i+utf8.UTFMax)]))
			dst = utf8.AppendRune(dst, r) // one that is not valid is U+FFFD
			i += size - 1
		}
	}
	return append(dst, '"')
}

func appendControl(dst []byte, c byte) []byte {
	const hexDigits = "0123456789abcdef"
	switch c {
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
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
