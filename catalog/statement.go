package catalog

import (
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

func (f *file) compilation(t *Tool, sql string, paramsKnown bool) *compilation {
	c := &compilation{sql: sql, names: paramNames(t)}
	if paramsKnown {
		c.casts = casts(t)
	}
	c.run()
	return c
}

// compileTool compiles the SQL below the header, which is the end of the file.
func (f *file) compileTool(t *Tool, paramsKnown bool) {
	base := len(f.all) - len(t.SQL)
	sql, in := f.withFragments(t, base)
	c := f.compilation(t, sql, paramsKnown)
	t.Statement = Statement{SQL: c.out.String(), Args: c.args}
	t.origin = &origin{f, base, c.pieces, sql, in}
	for _, fault := range c.faults {
		t.origin.fault(fault)
	}
	if paramsKnown && !c.broken {
		f.unused(t, c)
	}
	if paramsKnown && len(c.faults) == 0 && !f.vouched {
		analyse(&t.Statement, t.Access, func(position int, problem string) {
			line, col := t.Position(position)
			f.fault(line, col, "%s", c.misplaced(position, problem))
		})
	}
}

// unused reports the declared parameters that the SQL does not use; an operator may have swallowed the @ of one.
func (f *file) unused(t *Tool, c *compilation) {
	for i, p := range t.Params {
		if slices.Contains(c.args, p.Name) {
			continue
		}
		if at, operator := c.swallowed(p.Name); at >= 0 {
			t.origin.fault(sqlFault{at, fmt.Sprintf("%s%s reads as the operator %s: want a space before @%s", operator, p.Name, operator, p.Name)})
			continue
		}
		if found := namesInText(c.sql, c.tokens, []string{p.Name}); len(found) > 0 {
			t.origin.fault(sqlFault{found[0].offset, fmt.Sprintf("param %s is never used: %s", p.Name, found[0].problem)})
			continue
		}
		f.nodeFault(f.params[i], "param %s is never used: want @%s in the SQL", p.Name, p.Name)
	}
}

// swallowed finds an operator that ends in @ directly before the name.
func (c *compilation) swallowed(name string) (offset int, operator string) {
	for i := 1; i < len(c.tokens); i++ {
		before, word := c.tokens[i-1], c.tokens[i]
		operator := c.sql[before.Start:before.End]
		if before.Kind == sqlscan.Operator && strings.HasSuffix(operator, "@") && c.sql[word.Start:word.End] == name {
			return before.Start, operator
		}
	}
	return -1, ""
}

// compileValue compiles SQL that is the value of a key of the header. Its faults are reported at the value.
func (f *file) compileValue(t *Tool, m mapping, key string, paramsKnown bool) Statement {
	sql := m.text(key)
	if sql == "" {
		return Statement{}
	}
	c := f.compilation(t, sql, paramsKnown)
	for _, fault := range c.faults {
		f.nodeFault(m.values[key], "%s: %s", key, fault.problem)
	}
	st := Statement{SQL: c.out.String(), Args: c.args}
	if paramsKnown && len(c.faults) == 0 && !f.vouched {
		analyse(&st, Read, func(position int, problem string) {
			f.nodeFault(m.values[key], "%s: %s", key, c.misplaced(position, problem))
		})
	}
	return st
}
