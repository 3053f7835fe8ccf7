package guard

import (
	"strings"
	"unicode/utf8"

	"mcp-postgres/internal/sqlscan"
)

// maxName is how many bytes of a name PostgreSQL keeps.
const maxName = 63

// names refuses those that PostgreSQL would read otherwise than the grammar here: it cuts long ones in its own
// encoding, and where that is not UTF-8 it takes capital letters beyond ASCII for small ones.
func (d *decision) names() *Refusal {
	for _, t := range sqlscan.Lex(d.sql) {
		text := d.sql[t.Start:t.End]
		if t.Kind == sqlscan.Quoted {
			_, text, _ = strings.Cut(strings.TrimSuffix(text, `"`), `"`)
			text = strings.ReplaceAll(text, `""`, `"`)
		} else if t.Kind != sqlscan.Word {
			continue
		}
		position := utf8.RuneCountInString(d.sql[:t.Start]) + 1
		switch ascii := utf8.RuneCountInString(text) == len(text); {
		case len(text) > maxName:
			return refuse("name", position, "the name %.80q has more than %d bytes: PostgreSQL would cut it", text, maxName)
		case ascii || d.resolved.Encoding == "UTF8":
		case t.Kind == sqlscan.Word:
			return refuse("name", position,
				"the name %q has letters beyond ASCII, which this database in %s may read otherwise: want it in quotes",
				text, d.resolved.Encoding)
		case 2*len(text) > maxName:
			return refuse("name", position,
				"the name %.80q may have more than %d bytes in %s, the encoding of this database: PostgreSQL would cut it",
				text, maxName, d.resolved.Encoding)
		}
	}
	return nil
}
