package postgres

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"
)

// What a call sets for its statement travels as SET LOCAL, which holds wherever the statement runs: pgpool sends it to each
// of its nodes, Citus to the workers. A SELECT set_config(...) would hold only where that SELECT went, and pgpool may send
// the statement elsewhere.

// setting is a statement that sets one value. It is prepared under its name; without one it is parsed for each call, as all
// are whose text depends on the caller.
type setting struct{ name, sql string }

// setLocal sets a value for the transaction. Both must have passed validText, and a list of names quotedNames.
func setLocal(name, value string) string {
	if listOfNames(name) {
		value, _ = quotedNames(value)
		return "SET LOCAL " + name + " = " + value
	}
	return "SET LOCAL " + quoteIdent(name) + " = " + quoteLiteral(value)
}

// listOfNames reports the settings whose value is a list of identifiers: one constant would be one name.
func listOfNames(name string) bool { return name == "search_path" || name == "temp_tablespaces" }

func quoteIdent(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteLiteral writes a string constant that means the same whatever standard_conforming_strings and backslash_quote are.
func quoteLiteral(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// validText reports text that PostgreSQL can take: a zero byte would end the statement, and bytes that are no UTF-8 could be
// taken for others in another encoding.
func validText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

// quotedNames reads a list of identifiers as PostgreSQL reads search_path, and writes each as a string constant. No name at
// all is the empty one, which nothing has.
func quotedNames(list string) (string, error) {
	const space = " \t\n\r\f\v"
	var quoted []string
	rest := strings.Trim(list, space)
	for rest != "" || quoted != nil {
		name, after, err := nextName(rest)
		if err != nil {
			return "", err
		}
		quoted = append(quoted, quoteLiteral(name))
		rest = strings.TrimLeft(after, space)
		if rest == "" {
			return strings.Join(quoted, ", "), nil
		}
		if rest[0] != ',' {
			return "", errNames
		}
		rest = strings.TrimLeft(rest[1:], space)
	}
	return "''", nil
}

var errNames = errors.New("want identifiers, separated by commas")

// nextName takes one identifier; one without quotes is in lower case, of which PostgreSQL knows only ASCII's here.
func nextName(list string) (name, rest string, err error) {
	if !strings.HasPrefix(list, `"`) {
		end := strings.IndexAny(list, ", \t\n\r\f\v")
		if end < 0 {
			end = len(list)
		}
		if end == 0 {
			return "", "", errNames
		}
		lower := func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}
		return strings.Map(lower, list[:end]), list[end:], nil
	}
	for end := 1; end < len(list); end++ {
		switch {
		case list[end] != '"':
		case strings.HasPrefix(list[end:], `""`):
			end++
		default:
			return strings.ReplaceAll(list[1:end], `""`, `"`), list[end+1:], nil
		}
	}
	return "", "", errNames
}

// limitsOf bounds a call by its time limit: the statement, its waits for locks, and the transaction when its client has gone
// silent. Names are given only to the limits that most calls have.
func limitsOf(timeout time.Duration, named bool) []setting {
	limits := make([]setting, 0, 3)
	for _, limit := range []struct {
		name string
		d    time.Duration
	}{
		{"statement_timeout", timeout}, {"lock_timeout", min(timeout, maxLockWait)},
		{"idle_in_transaction_session_timeout", timeout + cancelGrace},
	} {
		// At least 1: 0 would mean no limit.
		one := setting{"", "SET LOCAL " + limit.name + " = " + strconv.FormatInt(max(limit.d.Milliseconds(), 1), 10)}
		if named {
			one.name = "mcp_" + limit.name
		}
		limits = append(limits, one)
	}
	return limits
}

var (
	genericPlan = setting{"mcp_generic_plan", "SET LOCAL plan_cache_mode = force_generic_plan"}
	// rawText: a database without an encoding would refuse to send what is no UTF-8.
	rawText = setting{"mcp_raw_text", "SET LOCAL client_encoding = 'SQL_ASCII'"}
	// propagate has Citus hand SET LOCAL on to its workers. It is sent first. PostgreSQL takes it for a setting of somebody else.
	propagate = setting{"mcp_propagate", "SET LOCAL citus.propagate_set_commands = 'local'"}
	// snapshot takes one, so that a SET TRANSACTION READ WRITE comes too late. Behind a pooler its answer is the number of the
	// backend, which is wanted before the statement has ended: for one that does not end.
	snapshot       = setting{"mcp_snapshot", "SELECT"}
	snapshotPooled = setting{"", "SELECT pg_catalog.pg_backend_pid()"}
)

// begin queues the start of the transaction, up to the call's own statement.
func (s *session) begin(c *Call, timeout time.Duration) {
	s.notices, s.queued = notices{own: c.OwnNotices}, 0
	if c.Write {
		s.fixed("mcp_begin_write", beginWrite)
	} else {
		s.fixed("mcp_begin_read", beginRead)
	}
	s.setSession()
	s.setLimits(timeout)
	if c.Generic {
		s.set(genericPlan)
	}
	switch {
	case s.pooled:
		s.set(snapshotPooled)
		s.fe.Send(&pgproto3.Flush{})
		s.asked = true
	case c.Identity == nil || !s.bound(): // else its own SELECT takes one
		s.set(snapshot)
	}
	s.identity = s.queued
	s.setIdentity(c.Identity)
	s.identified = s.queued
	switch {
	case c.Application == "" || !validText(c.Application):
	case s.maySet:
		s.fixed("mcp_application", application, []byte(c.Application))
	default:
		s.set(setting{"", setLocal("application_name", c.Application)})
	}
	if c.Verify != nil {
		s.fixed("mcp_verify", verify, textArray(c.Verify.Names), oidArray(c.Verify.OIDs))
	}
}

// setSession queues what else a session would have for good. The nodes of Citus have sessions of their own.
func (s *session) setSession() {
	if s.pooled || s.citus {
		s.set(propagate)
		s.set(s.pooler.carried...)
	}
	if s.pc.ParameterStatus("server_encoding") == "SQL_ASCII" {
		s.set(rawText)
	}
}

func (s *session) setLimits(timeout time.Duration) {
	if timeout == s.pooler.timeout {
		s.set(s.pooler.limits...)
	} else {
		s.set(limitsOf(timeout, false)...)
	}
}

// set queues settings.
func (s *session) set(all ...setting) {
	for _, one := range all {
		s.fixed(one.name, one.sql)
	}
}
