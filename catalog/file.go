package catalog

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// file is the text of a file with the faults found in it.
type file struct {
	path   string
	all    string
	lines  []int                 // where each line starts
	params []*yaml.Node          // those of Tool.Params
	keys   map[string]*yaml.Node // the values of the header, such as "result" and "page.key"
	// vouched: the SQL was asked about before.
	vouched bool
	faults  Faults
}

func newFile(path, all string) *file {
	f := &file{path: path, all: all, lines: []int{0}, keys: map[string]*yaml.Node{}}
	for i := range len(all) {
		if all[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// position turns a byte offset into a line and a column in characters, both from 1.
func (f *file) position(offset int) (line, col int) {
	i, exact := slices.BinarySearch(f.lines, offset)
	if !exact {
		i--
	}
	return i + 1, utf8.RuneCountInString(f.all[f.lines[i]:offset]) + 1
}

// faultAt records a fault at a byte offset.
func (f *file) faultAt(offset int, format string, args ...any) {
	line, col := f.position(offset)
	f.fault(line, col, format, args...)
}

func (f *file) fault(line, col int, format string, args ...any) {
	f.faults = append(f.faults, Fault{Path: f.path, Line: line, Col: col, Problem: fmt.Sprintf(format, args...)})
}
