package guard

import "mcp-postgres/internal/sqlscan"

// StatementOf is what the guard remembers of the statement of a permit.
func StatementOf(g *Guard, p *Permit) *sqlscan.Statement {
	d, _ := g.memory.get(p.subject.key())
	return d.statement
}
