package plan

import (
	"cmp"
	"slices"
	"strings"

	"mcp-postgres/internal/pgtext"
)

// Facts are what the catalogues say of the tables of plans.
type Facts struct {
	Version  int               `json:"version"`
	Settings map[string]string `json:"settings"`
	Tables   []*Table          `json:"tables"`
}

// Table is one table. Numbers of rows are those of statistics, Rows is -1 for one that was never counted.
type Table struct {
	Schema     string     `json:"schema"`
	Name       string     `json:"name"`
	Kind       string     `json:"kind"`
	Written    string     `json:"written"` // the qualified name as SQL writes it
	Parent     string     `json:"parent"`  // that of the partitioned table above it; empty is none
	Rows       float64    `json:"rows"`
	Pages      float64    `json:"pages"`
	Live       float64    `json:"live"`
	Dead       float64    `json:"dead"`
	Modified   float64    `json:"modified"` // rows since the last ANALYZE
	Analyzed   bool       `json:"analyzed"`
	Inserts    float64    `json:"inserts"`
	Updates    float64    `json:"updates"`
	Days       float64    `json:"days"`  // since counting began
	Width      float64    `json:"width"` // bytes of a row, about
	Key        []string   `json:"key"`   // columns that the table above it is partitioned by
	Columns    []*Column  `json:"columns"`
	Indexes    []*Index   `json:"indexes"`
	Statistics [][]string `json:"statistics"` // columns of CREATE STATISTICS
	Referrers  []Referrer `json:"referrers"`
}

// Referrer is a foreign key that refers to the table.
type Referrer struct {
	Constraint string `json:"constraint"`
	Table      string `json:"table"`
	Columns    string `json:"columns"`
	Indexed    bool   `json:"indexed"`
}

// Column is one column. Known says that ANALYZE has seen it and that the caller may read what it saw.
type Column struct {
	Name     string  `json:"name"`
	Written  string  `json:"written"`
	Type     string  `json:"type"`
	Known    bool    `json:"known"`
	Distinct float64 `json:"distinct"` // as n_distinct
}

// Index is one index. Keys are its columns and expressions as SQL.
type Index struct {
	Name       string   `json:"name"`
	Written    string   `json:"written"` // the qualified name as SQL writes it
	Method     string   `json:"method"`
	Keys       []string `json:"keys"`
	Predicate  string   `json:"predicate"`
	Unique     bool     `json:"unique"`
	Constraint bool     `json:"constraint"`
	Valid      bool     `json:"valid"`
}

// Table is the one of a name; nil is none.
func (f *Facts) Table(schema, name string) *Table {
	if f == nil {
		return nil
	}
	for _, t := range f.Tables {
		if t.Schema == schema && t.Name == name {
			return t
		}
	}
	return nil
}

// of is the table that a node scans; an empty one where nothing is known of it.
func (f *Facts) of(n *Node) *Table {
	if t := f.Table(n.Schema, n.Relation); t != nil {
		return t
	}
	name := n.Relation
	if n.Schema != "" {
		name = n.Schema + "." + name
	}
	return &Table{Schema: n.Schema, Name: n.Relation, Written: name, Rows: -1}
}

// whole is the table that an index is made on: the partitioned one of a partition.
func (t *Table) whole() string { return cmp.Or(t.Parent, t.Written) }

// key writes a column as SQL does.
func (t *Table) key(column string) string {
	if c := t.column(column); c != nil {
		return c.Written
	}
	return pgtext.Identifier(column)
}

func (t *Table) column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// typeOf is the type of a column without its length.
func (t *Table) typeOf(name string) string {
	c := t.column(name)
	if c == nil {
		return ""
	}
	kind, _, _ := strings.Cut(c.Type, "(")
	return kind
}

// leading reports whether a valid index on all rows begins with the column or expression.
func (t *Table) leading(key string) *Index {
	for _, i := range t.Indexes {
		if i.Valid && i.Predicate == "" && len(i.Keys) > 0 && i.Keys[0] == key {
			return i
		}
	}
	return nil
}

// distinct is how many values a column has, about; 0 is unknown.
func (t *Table) distinct(name string) float64 {
	c := t.column(name)
	switch {
	case c == nil || !c.Known:
		return 0
	case c.Distinct < 0:
		return -c.Distinct * max(t.Rows, 0)
	}
	return c.Distinct
}

// hasStatistics reports whether there are extended statistics on all the columns.
func (t *Table) hasStatistics(names []string) bool {
	return slices.ContainsFunc(t.Statistics, func(have []string) bool {
		return !slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(have, n) })
	})
}
