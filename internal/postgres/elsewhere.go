package postgres

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// node is the address of a server, with or without a login, in an error of Citus.
var node = regexp.MustCompile(`(\S+@)?[A-Za-z0-9._-]+:[0-9]{4,5}\b`)

// elsewhere words an error of the way from the database to another server (a worker of Citus, a foreign server). Such an
// error names hosts and logins, which only the operator is to read: a caller with a role does not.
func elsewhere(s *session, c *Call, err error) error {
	var e *Error
	if err == nil || !errors.As(err, &e) || e.givenUp {
		return err
	}
	connection := strings.HasPrefix(e.Code, "08")
	if !connection && !(s.citus && node.MatchString(e.Message+e.Hint)) {
		return err
	}
	told := *e
	told.Retryable = e.Retryable && !refusedForGood(e.Message)
	if c.Identity != nil {
		s.pooler.log.Warn("an error of another server that the database works with", "database_role", c.Identity.DatabaseRole, "error", e)
		told.Message, told.Hint = node.ReplaceAllString(e.Message, "a worker"), node.ReplaceAllString(e.Hint, "a worker")
		if connection {
			told.Message, told.Hint = "another server that the database needs for this can't be reached", "the server's log says why"
			if !told.Retryable {
				told.Message = "another server that the database needs for this refuses the database role of this caller"
			}
		}
	}
	return &told
}

// refusedForGood reports a login that another server refuses, which trying again does not change.
func refusedForGood(message string) bool {
	return slices.ContainsFunc([]string{"is not permitted to log in", "authentication failed", "pg_hba.conf", "no password supplied",
		" does not exist"}, func(words string) bool { return strings.Contains(message, words) })
}
