package catalog

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Parse reads one tool file. path is shown in messages and its last element gives the tool its name; toolset is the
// folder. When anything is wrong the tool is nil and the faults, sorted, are all that could be found.
func Parse(path, toolset string, text []byte) (*Tool, Faults) {
	return parse(path, toolset, text, false)
}

// ParseVouched is Parse for a file that was checked before: PostgreSQL's grammar is not asked about its SQL.
func ParseVouched(path, toolset string, text []byte) (*Tool, Faults) {
	return parse(path, toolset, text, true)
}

func parse(path, toolset string, text []byte, vouched bool) (*Tool, Faults) {
	f := newFile(path, string(bytes.TrimPrefix(text, []byte("\ufeff"))))
	f.vouched = vouched
	t := &Tool{Path: path, Toolset: toolset}
	if f.readable() {
		if a, ok := f.anatomy(); ok {
			f.tool(t, a)
		}
	}
	if len(f.faults) > 0 {
		f.faults.Sort()
		return nil, f.faults
	}
	return t, nil
}

// readable checks what must hold before anything else can be reported well.
func (f *file) readable() bool {
	switch {
	case len(f.all) > maxFile:
		f.fault(1, 1, "file is larger than %d bytes: want less", maxFile)
	case !utf8.ValidString(f.all):
		for i, r := range f.all {
			if r == utf8.RuneError && !strings.HasPrefix(f.all[i:], "\ufffd") {
				f.faultAt(i, "invalid UTF-8: want UTF-8 text")
				break
			}
		}
	case strings.IndexByte(f.all, 0) >= 0:
		f.faultAt(strings.IndexByte(f.all, 0), "zero byte: want text")
	default:
		return true
	}
	return false
}

// anatomy says where the parts of a file lie, as byte offsets.
type anatomy struct {
	open                   int // the header's /*---
	headerStart, headerEnd int // the YAML
	sql                    int // the SQL
}

const (
	openMark  = "/*---"
	closeMark = "---*/"
)

// anatomy finds the parts of the file.
func (f *file) anatomy() (anatomy, bool) {
	a := anatomy{open: len(f.all) - len(strings.TrimLeft(f.all, " \t\r\n"))}
	if !strings.HasPrefix(f.all[a.open:], openMark) {
		f.faultAt(min(a.open, len(f.all)), "no header: want %s on the first line", openMark)
		return a, false
	}
	rest := f.all[a.open+len(openMark):]
	line, _, _ := strings.Cut(rest, "\n")
	if strings.TrimSpace(line) != "" {
		f.faultAt(a.open+len(openMark), "text behind %s: want the header to start on the next line", openMark)
		return a, false
	}
	a.headerStart = a.open + len(openMark) + len(line)
	end := strings.Index(f.all[a.headerStart:], "\n"+closeMark)
	if end < 0 {
		f.unclosed(a)
		return a, false
	}
	a.headerEnd = a.headerStart + end + 1
	a.sql = a.headerEnd + len(closeMark)
	return a, f.plainHeader(a)
}

func (f *file) unclosed(a anatomy) {
	if i := strings.Index(f.all[a.headerStart:], "*/"); i >= 0 {
		f.faultAt(a.headerStart+i, "header ends with */ here: want %s at the start of a line", closeMark)
		return
	}
	f.faultAt(a.open, "header is not closed: want %s on a line of its own", closeMark)
}

// unfitForHeader finds comment marks and the characters that YAML can't hold or takes for line breaks.
var unfitForHeader = regexp.MustCompile(`/\*|\*/|\r(?:[^\n]|$)|[^\t\r\n\x20-\x7e\x{a0}-\x{2027}` +
	`\x{202a}-\x{d7ff}\x{e000}-\x{fefe}\x{ff00}-\x{fffd}\x{10000}-\x{10ffff}]`)

// plainHeader reports what must not be in a header: marks that would end the SQL comment around it, and odd
// characters.
func (f *file) plainHeader(a anatomy) bool {
	const enough = 20 // of a binary file every byte is a fault
	found := unfitForHeader.FindAllStringIndex(f.all[a.headerStart:a.headerEnd], enough)
	for _, at := range found {
		start := a.headerStart + at[0]
		switch what := f.all[start : a.headerStart+at[1]]; {
		case what == "/*" || what == "*/":
			f.faultAt(start, "%s inside the header: want none, the header is an SQL comment", what)
		case what[0] == '\r':
			f.faultAt(start, `lone carriage return in the header: want lines to end with \n or \r\n`)
		default:
			r, _ := utf8.DecodeRuneInString(what)
			f.faultAt(start, "control character %U in the header: want text", r)
		}
	}
	return len(found) == 0
}

// tool reads the header, compiles the SQL, and checks the one against the other.
func (f *file) tool(t *Tool, a anatomy) {
	t.Name = strings.TrimSuffix(path.Base(f.path), ".sql")
	t.SQL = f.all[a.sql:]
	if line, rest, ok := strings.Cut(t.SQL, "\n"); ok && strings.TrimSpace(line) == "" {
		t.SQL = rest
	}
	if m, ok := f.headerKeys(a); ok {
		f.header(t, m, a)
	} else {
		f.compileTool(t, false)
	}
	if t.Page != nil {
		t.Page.compile(t.Statement)
	}
}
