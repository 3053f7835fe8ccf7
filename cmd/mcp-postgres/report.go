package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// formatFlag says how a command prints its report.
type formatFlag struct {
	Format string `name:"format" help:"Output format: ${enum}." enum:"human,json,junit,github" default:"human"`
}

// report is what check, test and doctor print.
type report struct {
	entries []entry
	summary string // for people
	json    any    // the whole report, for programs
}

// entry is one thing that a report says: a fault, a finding, or what a test came to.
type entry struct {
	level   string // error, warning or notice, as GitHub knows them; empty for what is good
	fails   bool   // the command ends with status 1
	skipped bool

	suite, class, name string // as build servers group what they show
	seconds            float64

	path      string
	line, col int
	title     string // of an annotation
	message   string
	human     string // for people; empty says nothing
}

// print writes the report. An entry that fails makes the exit status 1.
func (r *report) print(w io.Writer, f formatFlag) error {
	var err error
	switch f.Format {
	case "json":
		err = writeJSON(w, r.json)
	case "junit":
		err = r.junit(w)
	case "github":
		err = r.github(w)
	default:
		for _, e := range r.entries {
			if e.human != "" {
				fmt.Fprintln(w, e.human)
			}
		}
		_, err = fmt.Fprintln(w, r.summary)
	}
	if err == nil && slices.ContainsFunc(r.entries, func(e entry) bool { return e.fails }) {
		return exitError{1}
	}
	return err
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// github writes annotations, as workflow commands of GitHub Actions.
func (r *report) github(w io.Writer) (err error) {
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, e := range r.entries {
		if e.level == "" {
			continue
		}
		var properties []string
		if e.path != "" {
			place := fmt.Sprintf("line=%d,col=%d", max(e.line, 1), max(e.col, 1))
			properties = append(properties, "file="+property.Replace(e.path), place)
		}
		if e.title != "" {
			properties = append(properties, "title="+property.Replace(e.title))
		}
		head := strings.TrimSpace(e.level + " " + strings.Join(properties, ","))
		_, err = fmt.Fprintf(w, "::%s::%s\n", head, data.Replace(e.message))
	}
	return err
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	ClassName string       `xml:"classname,attr"`
	File      string       `xml:"file,attr,omitempty"`
	Line      int          `xml:"line,attr,omitempty"`
	Time      string       `xml:"time,attr"`
	Failure   *junitReason `xml:"failure"`
	Skipped   *junitReason `xml:"skipped"`
	Out       string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
}

// junit writes the XML that build servers read.
func (r *report) junit(w io.Writer) error {
	var all struct {
		XMLName xml.Name      `xml:"testsuites"`
		Suites  []*junitSuite `xml:"testsuite"`
	}
	byName := map[string]*junitSuite{}
	for _, e := range r.entries {
		suite := byName[e.suite]
		if suite == nil {
			suite = &junitSuite{Name: e.suite}
			byName[e.suite] = suite
			all.Suites = append(all.Suites, suite)
		}
		c := junitCase{Name: e.name, ClassName: e.class, File: e.path, Line: e.line, Time: fmt.Sprintf("%.3f", e.seconds)}
		suite.Tests++
		switch {
		case e.fails:
			suite.Failures++
			c.Failure = &junitReason{e.message}
		case e.skipped:
			suite.Skipped++
			c.Skipped = &junitReason{e.message}
		default:
			c.Out = e.message
		}
		suite.Cases = append(suite.Cases, c)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	if err := enc.Encode(all); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
