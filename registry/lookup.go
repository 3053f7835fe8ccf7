package registry

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SQLSTATEs of an unknown name.
const (
	codeNoTable    = "42P01"
	codeNoColumn   = "42703"
	codeNoFunction = "42883"
	codeNoSchema   = "3F000"
	codeNoObject   = "42704"
)

const (
	lookupTimeout = 2 * time.Second
	maxLookupRows = 200
)

// lookup is a query of the catalogue for names like the wrong one. Its columns are those of candidates. word is what the
// names are compared with, prefix is written before the one that is suggested.
type lookup struct {
	sql          string
	args         [][]byte
	word, prefix string
}

func (m *misnomer) lookup() lookup {
	switch m.err.Code {
	case codeNoTable:
		return m.tables()
	case codeNoColumn:
		return m.columns()
	case codeNoFunction:
		return m.functions()
	case codeNoSchema:
		return m.schemas()
	}
	return m.types()
}

// aboutName reports the codes of an unknown name.
func aboutName(code string) bool {
	switch code {
	case codeNoTable, codeNoColumn, codeNoFunction, codeNoSchema, codeNoObject:
		return true
	}
	return false
}

// Each lookup takes the wrong name as $1, and its schema as $2 where it can have one; an empty one stands for none.
// The last ones are the schemas and tables of the caller; NULL is no restriction.
const (
	// plausible leaves out what catalog.Nearest would not take, cheap as that is to see.
	plausible = `
  AND (pg_catalog.abs(pg_catalog.length(w.candidate) - pg_catalog.length(w.word)) <= greatest(1, (pg_catalog.length(w.word) + 1) / 3)
       OR pg_catalog.strpos(w.candidate, w.word) > 0 OR pg_catalog.strpos(w.word, w.candidate) > 0)
`
	// nearestFirst orders by a lower bound of the edit distance, as describe_table does, so that the cut keeps the best.
	nearestFirst = `ORDER BY greatest(pg_catalog.length(pg_catalog.translate(w.candidate, w.word, '')),
    pg_catalog.length(pg_catalog.translate(w.word, w.candidate, '')),
    pg_catalog.abs(pg_catalog.length(w.candidate) - pg_catalog.length(w.word)))`

	tableSQL = `
SELECT CASE WHEN f.bare THEN f.name ELSE pg_catalog.concat(f.schema, '.', f.name) END,
       CASE WHEN pg_catalog.pg_table_is_visible(f.oid) THEN pg_catalog.quote_ident(f.name)
            ELSE pg_catalog.format('%I.%I', f.schema, f.name) END
FROM (
  SELECT c.oid, n.nspname AS schema, c.relname AS name,
         $2 = '' AND pg_catalog.pg_table_is_visible(c.oid) AS bare
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.lower(c.relname::text) AS candidate, pg_catalog.lower($1::text) AS word OFFSET 0) AS w
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND c.relpersistence <> 't'
    AND (c.relkind <> 'f' OR $3::text[] IS NULL OR $4::text[] IS NOT NULL)
    AND (n.nspname !~ '^(pg_|information_schema$)' OR n.nspname = $2::text OR n.nspname = 'pg_catalog' AND $1 ^@ 'pg_')
    AND ($3::text[] IS NULL OR n.nspname = ANY ($3))
    AND ($4::text[] IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY ($4))` + plausible + nearestFirst + `, n.nspname <> $2, n.nspname <> ALL (pg_catalog.current_schemas(false)), n.nspname, c.relname
  LIMIT 200
) AS f`

	// $2 are tables, $3 schemas that the SQL names.
	columnSQL = `
SELECT a.attname, pg_catalog.quote_ident(a.attname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN LATERAL (SELECT pg_catalog.lower(a.attname::text) AS candidate, pg_catalog.lower($1::text) AS word OFFSET 0) AS w
WHERE c.relname = ANY ($2::name[])
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (pg_catalog.pg_table_is_visible(c.oid) OR n.nspname = ANY ($3::name[]))
  AND ($4::text[] IS NULL OR n.nspname = ANY ($4))
  AND ($5::text[] IS NULL OR pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY ($5))` + plausible + nearestFirst + `, a.attname
LIMIT 200`

	// $3 is the number of arguments. 2279 is trigger and 2281 internal: nobody calls such a function by its name.
	functionSQL = `
SELECT CASE WHEN $2 = '' AND f.visible THEN f.name ELSE pg_catalog.concat(f.schema, '.', f.name) END,
       f.written,
       CASE WHEN f.same THEN pg_catalog.format('%s(%s)', f.written, pg_catalog.oidvectortypes(f.args)) END
FROM (
  SELECT p.*, CASE WHEN p.visible THEN pg_catalog.quote_ident(p.name) ELSE pg_catalog.format('%I.%I', p.schema, p.name) END AS written,
         p.name = $1::text AND CASE $2::text WHEN '' THEN p.visible ELSE p.schema = $2 END AS same
  FROM (
    SELECT p.proname AS name, n.nspname AS schema, p.proargtypes AS args, p.pronargs AS count,
           pg_catalog.pg_function_is_visible(p.oid) AS visible
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
    WHERE (n.nspname = 'pg_catalog' OR n.nspname !~ '^(pg_|information_schema$)' AND ($4::text[] IS NULL OR n.nspname = ANY ($4)))
      AND p.prorettype NOT IN (2279, 2281)
      AND 2281 <> ALL (p.proargtypes)
  ) AS p
) AS f
CROSS JOIN LATERAL (SELECT pg_catalog.lower(f.name::text) AS candidate, pg_catalog.lower($1::text) AS word OFFSET 0) AS w
WHERE true` + plausible + nearestFirst + `, NOT f.same, pg_catalog.abs(f.count - $3::int), f.schema, f.name, pg_catalog.oidvectortypes(f.args)
LIMIT 200`

	schemaSQL = `
SELECT n.nspname, pg_catalog.quote_ident(n.nspname)
FROM pg_catalog.pg_namespace AS n
CROSS JOIN LATERAL (SELECT pg_catalog.lower(n.nspname::text) AS candidate, pg_catalog.lower($1::text) AS word OFFSET 0) AS w
WHERE n.nspname !~ '^pg_(toast|temp_)'
  AND ($2::text[] IS NULL OR n.nspname = ANY ($2))` + plausible + nearestFirst + `, n.nspname
LIMIT 200`

	// A type has its own name, such as int4, and the one of SQL, such as integer.
	typeSQL = `
SELECT CASE WHEN $2 = '' AND pg_catalog.pg_type_is_visible(t.oid) THEN v.name ELSE pg_catalog.concat(n.nspname, '.', v.name) END,
       v.written
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
CROSS JOIN LATERAL (
  SELECT t.typname::text, CASE WHEN n.nspname = 'pg_catalog' THEN t.typname::text ELSE pg_catalog.format_type(t.oid, NULL) END
  UNION
  SELECT pg_catalog.format_type(t.oid, NULL), pg_catalog.format_type(t.oid, NULL) WHERE n.nspname = 'pg_catalog'
) AS v (name, written)
CROSS JOIN LATERAL (SELECT pg_catalog.lower(v.name) AS candidate, pg_catalog.lower($1::text) AS word OFFSET 0) AS w
WHERE t.typtype <> 'p'
  AND t.typcategory NOT IN ('A', 'Z')
  AND (t.typtype <> 'c' OR c.relkind = 'c')
  AND (n.nspname = 'pg_catalog' OR n.nspname !~ '^(pg_|information_schema$)' AND ($3::text[] IS NULL OR n.nspname = ANY ($3)))` + plausible + nearestFirst + `, n.nspname <> $2::text, v.name
LIMIT 200`
)

func (m *misnomer) tables() lookup {
	schema, name := m.qualified()
	return lookup{sql: tableSQL, args: [][]byte{name, schema, m.plan.schemas(), m.plan.tables()}, word: joined(schema, name)}
}

func (m *misnomer) columns() lookup {
	last := m.name.Last()
	var schemas []string
	for _, n := range m.names {
		if len(n.Parts) > 1 {
			schemas = append(schemas, n.Parts[0].Text)
		}
	}
	args := [][]byte{[]byte(last.Text), nameArray(m.relations()), nameArray(schemas), m.plan.schemas(), m.plan.tables()}
	return lookup{sql: columnSQL, args: args, word: last.Text, prefix: m.sql[m.name.Parts[0].Start:last.Start]}
}

func (m *misnomer) functions() lookup {
	schema, name := m.qualified()
	count := 0
	_, list, _ := strings.Cut(m.err.Message, m.name.String()+"(")
	if list, _, _ = strings.Cut(list, ")"); list != "" {
		count = 1 + strings.Count(list, ",")
	}
	args := [][]byte{name, schema, strconv.AppendInt(nil, int64(count), 10), m.plan.schemas()}
	return lookup{sql: functionSQL, args: args, word: joined(schema, name)}
}

func (m *misnomer) schemas() lookup {
	schema := m.name.Parts[0].Text
	return lookup{sql: schemaSQL, args: [][]byte{[]byte(schema), m.plan.schemas()}, word: schema}
}

func (m *misnomer) types() lookup {
	schema, name := m.qualified()
	return lookup{sql: typeSQL, args: [][]byte{name, schema, m.plan.schemas()}, word: joined(schema, name)}
}

// qualified is the wrong name and its schema, which is empty without one.
func (m *misnomer) qualified() (schema, name []byte) {
	n := len(m.name.Parts)
	if n > 1 {
		schema = []byte(m.name.Parts[n-2].Text)
	}
	return append([]byte{}, schema...), []byte(m.name.Parts[n-1].Text)
}

func joined(schema, name []byte) string {
	if len(schema) == 0 {
		return string(name)
	}
	return string(schema) + "." + string(name)
}

// nameArray writes names as an array literal, each once.
func nameArray(names []string) []byte {
	slices.Sort(names)
	var items [][]byte
	for _, name := range slices.Compact(names) {
		items = append(items, appendArrayItem(nil, []byte(name)))
	}
	return append(append([]byte{'{'}, bytes.Join(items, []byte{','})...), '}')
}
