package postgres

import (
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A pooler such as PgBouncer in transaction mode gives each transaction any of its server connections. Nothing of the
// session lasts there: no prepared statement, no setting of the start-up packet but the few that the pooler follows, no
// backend of our own. The pooler is found while connecting; from then on every statement is unnamed, the settings
// travel in the transaction, and what a caller's SQL can leave is thrown away before the pooler takes the connection back.

// pooler is what a DB knows about a pooler before its database. All connections share it.
type pooler struct {
	found   atomic.Bool
	log     *slog.Logger
	startup map[string]string // the parameters that a pooler is given while connecting

	alone   atomic.Bool // all connections may be one session, as those of PGlite are: calls run one after the other
	pins    atomic.Bool // a transaction is certain to stay on one backend
	carried []setting   // what a session would have had, for each call
	names   []string    // the same, as names and values
	values  []string

	timeout time.Duration // of most calls
	limits  []setting
	known   known
}

// followed are the parameters that PgBouncer carries from server connection to server connection.
var followed = []string{"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"}

// perCall are set by every call anyway, or mean nothing in a transaction.
var perCall = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}

// newPooler divides the parameters of a session between the start-up packet and the transaction. Timeout is that of most calls.
func newPooler(params map[string]string, timeout time.Duration, log *slog.Logger) (*pooler, error) {
	p := &pooler{log: log, startup: map[string]string{}, timeout: timeout, limits: limitsOf(timeout, true),
		known: known{settings: map[[2]string]setting{}}}
	local, ok := parseOptions(params["options"])
	if !ok {
		local = map[string]string{}
		p.startup["options"] = params["options"] // words for the pooler, perhaps
	}
	maps.Copy(local, params)
	delete(local, "options")
	for _, name := range followed {
		if value, ok := local[name]; ok {
			p.startup[name] = value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(local)) {
		if !slices.Contains(perCall, name) {
			if err := p.carry(name, local[name]); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// carry adds a setting that a session would have had.
func (p *pooler) carry(name, value string) error {
	if !validText(name) || !validText(value) {
		return connFault("a parameter for the server holds a zero byte or is no UTF-8")
	}
	p.names, p.values = append(p.names, name), append(p.values, value)
	if listOfNames(name) {
		if _, err := quotedNames(value); err != nil {
			return connFault("%s: %v", name, err)
		}
	}
	p.carried = append(p.carried, setting{"mcp_carried_" + strconv.Itoa(len(p.carried)), setLocal(name, value)})
	return nil
}

// parseOptions reads "-c name=value" and "--name=value"; ok is false where there is anything else.
func parseOptions(options string) (params map[string]string, ok bool) {
	const space = "\x00" // stands for an escaped one
	words := strings.Fields(strings.ReplaceAll(options, `\ `, space))
	params = map[string]string{}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch {
		case word == "-c" && len(words) > 0:
			word, words = words[0], words[1:]
		case strings.HasPrefix(word, "-c") || strings.HasPrefix(word, "--"):
			word = word[2:]
		default:
			return nil, false
		}
		name, value, found := strings.Cut(strings.ReplaceAll(word, space, " "), "=")
		if !found || name == "" {
			return nil, false
		}
		params[strings.ToLower(strings.ReplaceAll(name, "-", "_"))] = strings.ReplaceAll(value, `\\`, `\`)
	}
	return params, true
}

// limit leaves a pooler only the parameters that it follows.
func (p *pooler) limit(c *pgx.ConnConfig) {
	if p.found.Load() {
		c.RuntimeParams = p.startup
	}
}

// find notes that there is a pooler, and logs it once.
func (p *pooler) find(sign string) {
	if !p.found.Swap(true) {
		p.log.Info("connection pooler found: statements are not kept prepared, settings are sent with every call", "sign", sign)
	}
}

// mixedUp reports one of our prepared statements that is not where it was left, or is where it was not: the sign of a
// pooler that neither refuses parameters nor has backend numbers of its own.
func (p *pooler) mixedUp(err error) bool {
	if err == nil {
		return false
	}
	var e *Error
	if !errors.As(err, &e) || e.Code != "26000" && e.Code != "42P05" || !strings.Contains(e.Message, `"mcp_`) {
		return false
	}
	p.find("prepared statements come and go")
	return true
}

// mixedUpError is mixedUp before the call's statement was executed, so that even a write can be tried again.
type mixedUpError struct{ cause error }

func (e *mixedUpError) Error() string { return e.cause.Error() }
func (e *mixedUpError) Unwrap() error { return e.cause }

// unlockPooled and deallocatePooled are the reset behind a pooler, where pg_prepared_statements holds what PREPARE left but
// none of ours.
const (
	unlockPooled     = "SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed($1)"
	deallocatePooled = `DO $$ DECLARE name pg_catalog.text; BEGIN FOR name IN SELECT p.name FROM pg_catalog.pg_prepared_statements p WHERE p.from_sql LOOP
  EXECUTE pg_catalog.format('DEALLOCATE %I', name); END LOOP; END $$`
)

// constraints runs the deferred constraints, whose failure at COMMIT would skip the reset behind it.
const constraints = "SET CONSTRAINTS ALL IMMEDIATE"

// resetPooled queues the reset behind the statement that ends the transaction and before the Sync: until that is
// answered, the pooler leaves the server connection to us.
func (s *session) resetPooled(keep bool) {
	if keep {
		for _, sql := range resetWrite {
			s.fixed("", sql)
		}
	}
	s.fixed("", unlockPooled, seed())
	s.fixed("", deallocatePooled)
}
