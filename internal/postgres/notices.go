package postgres

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"
)

// Bounds of the notices that a call keeps.
const (
	maxNotices      = 20
	maxNotice       = 500  // bytes of one
	maxNoticesBytes = 4000 // of all
)

// notices are what PostgreSQL says during a call beside its answer.
type notices struct {
	own  bool // keep only those of PostgreSQL's own commands
	sent int  // bytes of all that came
	kept []string
	size int // bytes of kept
	more int // how many were left out
}

// add reports whether there are not too many.
func (n *notices) add(m *pgproto3.NoticeResponse) bool {
	n.sent += len(m.Message) + len(m.Detail) + len(m.Hint) + len(m.Where)
	if n.sent > maxMessage {
		return false
	}
	text := noticeText(m, n.own)
	switch {
	case text == "":
	case n.more > 0 || len(n.kept) == maxNotices || n.size+len(text) > maxNoticesBytes:
		n.more++
	default:
		n.kept, n.size = append(n.kept, text), n.size+len(text)
	}
	return true
}

// noticeText is what a caller reads of a notice; empty for one that is left out. DEBUG and LOG are for the operator.
// Where only PostgreSQL's own count, a notice must have the SQLSTATE of a command that did less than it says, and come
// from the statement itself: RAISE and its like may quote rows that the caller may not read.
func noticeText(m *pgproto3.NoticeResponse, own bool) string {
	severity := cmp.Or(m.SeverityUnlocalized, m.Severity)
	if severity != "NOTICE" && severity != "WARNING" && severity != "INFO" {
		return ""
	}
	text := severity + ": " + m.Message
	if own {
		shown := m.Where == "" && (strings.HasPrefix(m.Code, "42") || strings.HasPrefix(m.Code, "01") && m.Code != "01000")
		if !shown {
			return ""
		}
		return cut(text, maxNotice)
	}
	if m.Detail != "" {
		text += " (" + m.Detail + ")"
	}
	if m.Hint != "" {
		text += " Hint: " + m.Hint
	}
	return cut(text, maxNotice)
}

// list gives the notices, and at its end how many more there were.
func (n *notices) list() []string {
	if n.more == 0 {
		return n.kept
	}
	return append(n.kept[:len(n.kept):len(n.kept)], "and "+strconv.Itoa(n.more)+" more")
}
