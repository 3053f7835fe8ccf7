package registry

import (
	"context"
	"fmt"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// volatileSQL gives the names of $1 that only volatile functions have. Of PostgreSQL's own, which have OIDs below 16384, many only
// tell of the server's state; those with an effect, and the random ones, are named.
const volatileSQL = `
SELECT p.proname
FROM pg_catalog.pg_proc AS p
WHERE p.proname = ANY ($1::name[])
  AND (p.oid >= 16384
       OR p.proname ~ ('^(nextval|setval|random.*|gen_random_uuid|set_config|pg_sleep.*|pg_(try_)?advisory.*|pg_(terminate|cancel)_backend|'
                       || 'pg_notify|lo_.*|pg_(read|ls|reload|rotate|switch|create|drop|logical|promote|backup|stat_reset|import).*|'
                       || 'pg_wal_replay_(pause|resume)|txid_current|pg_current_xact_id|query_to_xml.*|table_to_xml.*)$'))
GROUP BY p.proname
HAVING pg_catalog.bool_and(p.provolatile = 'v')`

// LintVolatile warns of volatile functions in a tool that reads: they may have an effect, or answer differently each time.
func LintVolatile(ctx context.Context, db Database, t *catalog.Tool) (faults.List, error) {
	a := t.Statement.Analysis
	if t.Access != catalog.Read || a == nil || len(a.Functions) == 0 {
		return nil, nil
	}
	var names []string
	for _, f := range a.Functions {
		names = append(names, f.Name)
	}
	var found firstColumn
	if _, err := db.Run(ctx, postgres.Call{SQL: volatileSQL, Args: [][]byte{pgtext.Array(names)}, Keep: true}, &found); err != nil {
		return nil, fmt.Errorf("asking about functions: %w", err)
	}
	var warnings faults.List
	for _, name := range found.values {
		for _, f := range a.Functions {
			if f.Name == name {
				line, col := t.Position(f.Position)
				warnings = append(warnings, faults.Fault{Path: t.Path, Line: line, Col: col, Rule: "volatile",
					Problem: fmt.Sprintf("%s is a volatile function in a tool that reads: want a stable one, it may have an effect or answer differently each time", name)})
			}
		}
	}
	return warnings, nil
}
