package main

import (
	"encoding/xml"
	"fmt"
	"io"

	"mcp-postgres/internal/tooltest"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
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
	File      string       `xml:"file,attr"`
	Line      int          `xml:"line,attr"`
	Time      string       `xml:"time,attr"`
	Failure   *junitReason `xml:"failure"`
	Skipped   *junitReason `xml:"skipped"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
}

// junit writes the outcomes as the XML that build servers read, a suite for each toolset.
func (all outcomes) junit(w io.Writer) error {
	var report junitSuites
	at := map[string]int{}
	for _, o := range all {
		i, ok := at[o.Toolset]
		if !ok {
			i = len(report.Suites)
			at[o.Toolset] = i
			report.Suites = append(report.Suites, junitSuite{Name: o.Toolset})
		}
		suite := &report.Suites[i]
		c := junitCase{Name: o.Test, ClassName: o.Toolset + "." + o.Tool, File: o.Path, Line: o.Line, Time: fmt.Sprintf("%.3f", o.Seconds)}
		suite.Tests++
		switch o.Outcome {
		case tooltest.Failed:
			suite.Failures++
			c.Failure = &junitReason{o.Reason}
		case tooltest.Skipped:
			suite.Skipped++
			c.Skipped = &junitReason{o.Reason}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(report); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
