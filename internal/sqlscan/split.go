package sqlscan

// Piece is one statement of SQL that holds several, and the byte where it starts.
type Piece struct {
	SQL   string
	Start int
}

// Split cuts SQL into its statements, as PostgreSQL's grammar does; where that does not know the syntax, at the
// semicolons. SQL that is one statement, or none, is one piece as it is. The SQL must have passed CheckLimits.
func Split(sql string) []Piece {
	ends := semicolons(sql)
	if ends == nil {
		return []Piece{{sql, 0}}
	}
	if root, err := parseAll(sql); err == nil {
		ends = ends[:0]
		for s := root.field("stmts").first; s != nil; s = s.next {
			start, length := max(s.offset("stmt_location"), 0), s.offset("stmt_len")
			if length <= 0 {
				length = len(sql) - start
			}
			ends = append(ends, start+length)
		}
	}
	var pieces []Piece
	start := 0
	for _, end := range append(ends, len(sql)) {
		if at := first(sql, start, end); at < end {
			pieces = append(pieces, Piece{sql[at:end], at})
		}
		start = min(end+1, len(sql))
	}
	if len(pieces) < 2 {
		return []Piece{{sql, 0}}
	}
	return pieces
}

// semicolons are the places of those outside of parentheses; nil if only blanks and comments follow the first.
func semicolons(sql string) (places []int) {
	depth, last := 0, 0
	for _, t := range Lex(sql) {
		if !t.Significant() {
			continue
		}
		switch text := sql[t.Start:t.End]; {
		case t.Kind != Symbol:
		case text == "(":
			depth++
		case text == ")":
			depth--
		case text == ";" && depth <= 0:
			places = append(places, t.Start)
			continue
		}
		last = t.End
	}
	if len(places) == 0 || places[0] > last {
		return nil
	}
	return places
}

// first is the place where a statement starts, from start on; end where there is none before it.
func first(sql string, start, end int) int {
	l := lexer{sql: sql, pos: start}
	for l.pos < end {
		at := l.pos
		if kind, _ := l.next(); kind != Space && kind != Comment && sql[at] != ';' {
			return at
		}
	}
	return end
}
