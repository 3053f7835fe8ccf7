// Package redact keeps secrets out of what the server prints for people and collectors of logs.
package redact

import (
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const mark = "***"

// forms of text that hold a secret, each looked for where its sign is found: user:password@host with a scheme or
// without, the query of a URL, password=, and JSON Web Tokens.
var forms = []struct {
	sign string
	form *regexp.Regexp
	with string
}{
	{"@", regexp.MustCompile("[^\\s\"'`=]*:[^\\s\"'`]*@[^\\s\"'`]*"), mark},
	{"://", regexp.MustCompile("([A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'`?]*\\?)[^\\s\"'`]*[^\\s\"'`:,;.]"), "${1}" + mark},
	{"ord=", regexp.MustCompile("([Pp]ass[Ww]ord=)('[^']*'|[^\\s\"'`&]+)"), "${1}" + mark},
	{"eyJ", regexp.MustCompile(`eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`), mark},
}

// example is how our own messages write a connection string.
const example = "://user:password@host"

// Text gives text without the known secrets and without what has the form of one.
func Text(text string, known ...string) string {
	for _, secret := range known {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, mark)
		}
	}
	for _, f := range forms {
		if !strings.Contains(text, f.sign) {
			continue
		}
		if f.sign == "@" && strings.Contains(text, example) {
			before, after, _ := strings.Cut(text, example)
			return Text(before) + example + Text(after)
		}
		text = f.form.ReplaceAllString(text, f.with)
	}
	return text
}

// Writer hides secrets in what is written through it: the known ones, and what has the form of one. Each Write is
// taken for whole lines.
type Writer struct {
	out   io.Writer
	known *strings.Replacer
}

// NewWriter makes a Writer to out. It knows the secrets in an environment, given as os.Environ does, and in a command
// line.
func NewWriter(out io.Writer, environ, args []string) *Writer {
	var s secrets
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		s.variable(name, value)
	}
	for _, arg := range args {
		s.within(arg)
	}
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) }) // one may begin with another
	var pairs []string
	for _, secret := range s {
		pairs = append(pairs, secret, mark)
	}
	return &Writer{out: out, known: strings.NewReplacer(pairs...)}
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	text := string(p)
	if strings.HasPrefix(text, "{") && json.Valid(p) {
		text = jsonValue.ReplaceAllStringFunc(text, w.json)
	} else {
		text = w.plain(text)
	}
	if _, err := io.WriteString(w.out, text); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *Writer) plain(text string) string { return Text(w.known.Replace(text)) }

// jsonValue is a string or a number.
var jsonValue = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*`)

// json hides secrets in one value of a line of JSON, which stays one: a text that is quoted in it can't end the string.
func (w *Writer) json(value string) string {
	text := value
	if json.Unmarshal([]byte(value), &text) != nil {
		text = value // a number
	}
	hidden := w.plain(text)
	if hidden == text {
		return value
	}
	quoted, _ := json.Marshal(hidden) // a string
	return string(quoted)
}

// secrets are texts that must not be printed.
type secrets []string

// variable adds what an environment variable holds. Any may be the connection of a role.
func (s *secrets) variable(name, value string) {
	switch name {
	case "MCP_AUTH_TOKEN", "PGPASSWORD", "PGSSLPASSWORD":
		s.add(value)
	case "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS":
		for header := range strings.SplitSeq(value, ",") {
			if _, secret, ok := strings.Cut(header, "="); ok {
				header = secret
			}
			s.add(header)
		}
	}
	s.within(value)
}

var passwords = regexp.MustCompile(`(?i)password=('[^']*'|[^\s&;]+)`)

// within adds the passwords of a connection string or of another URL, well-formed or not.
func (s *secrets) within(text string) {
	for _, found := range passwords.FindAllStringSubmatch(text, -1) {
		s.add(strings.Trim(found[1], "'"))
	}
	_, after, url := strings.Cut(text, "://")
	if url {
		text = after
	}
	user, rest, _ := strings.Cut(text, ":")
	for _, end := range []int{strings.Index(rest, "@"), strings.LastIndex(rest, "@")} {
		if end > 0 && rest[:end] != user && (url || !strings.ContainsAny(rest[:end], "/ ")) {
			s.add(rest[:end])
		}
	}
}

// shortest is the least length of a secret that is looked for: shorter ones are parts of words.
const shortest = 6

// add adds a secret in all the ways in which it may be written. A word that the server says itself is none.
func (s *secrets) add(secret string) {
	secret = strings.TrimSpace(secret)
	all := []string{secret}
	if plain, err := url.PathUnescape(secret); err == nil {
		all = append(all, plain, strings.TrimPrefix(url.UserPassword("", plain).String(), ":"), url.QueryEscape(plain))
	}
	for _, form := range all {
		if len(form) >= shortest && !strings.Contains("mcp-postgres", form) {
			*s = append(*s, form, strings.Trim(strconv.Quote(form), `"`))
		}
	}
}
