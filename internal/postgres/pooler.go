package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/pgtext"
)

// A pooler such as PgBouncer in transaction mode gives each transaction any of its server connections. Nothing of the
// session lasts there: no prepared statement, no setting of the start-up packet but the few that the pooler follows, no
// backend of our own. The pooler is found while connecting; from then on every statement is unnamed, the settings
// travel in the transaction, and what a caller's SQL can leave is thrown away before the pooler takes the connection
// back.

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
}

// followed are the parameters that PgBouncer carries from server connection to server connection.
var followed = []string{"application_name", "client_encoding", "datestyle", "standard_conforming_strings", "timezone"}

// perCall are set by every call anyway, or mean nothing in a transaction.
var perCall = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}

// newPooler divides the parameters of a session between the start-up packet and the transaction. Timeout is that of
// most calls.
func newPooler(params map[string]string, timeout time.Duration, log *slog.Logger) (*pooler, error) {
	p := &pooler{log: log, startup: map[string]string{}, timeout: timeout, limits: limitsOf(timeout, true)}
	local, ok := parseOptions(params["options"])
	if !ok {
		local = map[string]string{}
		p.startup["options"] = params["options"] // which may be for the pooler
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
	fields := strings.Fields(strings.ReplaceAll(options, `\ `, space))
	params = map[string]string{}
	for len(fields) > 0 {
		field := fields[0]
		fields = fields[1:]
		switch {
		case field == "-c" && len(fields) > 0:
			field, fields = fields[0], fields[1:]
		case strings.HasPrefix(field, "-c") || strings.HasPrefix(field, "--"):
			field = field[2:]
		default:
			return nil, false
		}
		name, value, found := strings.Cut(strings.ReplaceAll(field, space, " "), "=")
		if !found || name == "" {
			return nil, false
		}
		params[strings.ToLower(strings.ReplaceAll(name, "-", "_"))] = strings.ReplaceAll(value, `\\`, `\`)
	}
	return params, true
}

// find notes that there is a pooler, and logs it once.
func (p *pooler) find(sign string) {
	if !p.found.Swap(true) {
		p.log.Info("connection pooler found: statements are not kept prepared, settings are sent with every call", "sign",
			sign)
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

const (
	// look asks what a connection leads to.
	look = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.inet_client_port(), pg_catalog.inet_server_port(), " +
		"pg_catalog.current_setting('citus.propagate_set_commands', true), " +
		"pg_catalog.has_function_privilege('pg_catalog.set_config(text, text, boolean)', 'EXECUTE')"
	// forgotten are the parameters of the start-up packet that are not in force: an engine or a pooler may ignore them.
	forgotten = "SELECT s.name FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), " +
		"pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value) WHERE (pg_catalog.current_setting(s.name, true) " +
		"OPERATOR(pg_catalog.=) pg_catalog.set_config(s.name, s.value, true)) IS NOT TRUE"
)

// lookAt finds out what a new connection leads to, in one flight, two where that shows a pooler.
func (p *pooler) lookAt(s *session) error {
	if err := s.pc.Conn().SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
		return err
	}
	if !s.pooled {
		if err := p.probe(s); err != nil {
			return err
		}
		s.pooled = p.found.Load()
	}
	if s.pooled {
		if err := p.probePooled(s); err != nil {
			return err
		}
	}
	return s.pc.Conn().SetReadDeadline(time.Time{})
}

// probe looks for a pooler: one that takes every parameter is known by the number that it gave while connecting, which
// is not the backend's, or by the parameters that it did not pass on.
func (p *pooler) probe(s *session) error {
	s.fixed("", look)
	rows, err := s.ask("", forgotten, pgtext.Array(p.names), pgtext.Array(p.values))
	if len(rows) == 0 {
		return s.lost(err)
	}
	s.seen(rows[0])
	switch {
	case rows[0][0] != strconv.FormatUint(uint64(s.pc.PID()), 10):
		p.find("the backend is not the one that was connected to")
	case err == nil && len(rows) > 1:
		p.alone.Store(true)
		p.find("start-up parameters are ignored: " + rows[1][0])
	case err != nil && s.pc.ParameterStatus("DateStyle") != dateStyle: // where the login may not set_config
		p.alone.Store(true)
		p.find("start-up parameters are ignored: DateStyle")
	}
	return nil
}

// probePooled begins a transaction as every call does, which a pooler in statement mode refuses.
func (p *pooler) probePooled(s *session) error {
	s.fixed("", beginRead)
	s.sync()
	s.fixed("", look)
	s.fixed("", rollback)
	s.sync()
	if _, err := s.sent(); err != nil {
		return err
	}
	rows, err := s.answer()
	if len(rows) > 0 {
		s.seen(rows[0])
	}
	return s.lost(err)
}

// lost leaves out the error of an engine that does not know what look asks for: nothing is known of it then.
func (s *session) lost(err error) error {
	if s.broken {
		return err
	}
	return nil
}

// seen takes in the answer to look. A connection is direct whose ends are the same for the backend and for us.
func (s *session) seen(row []string) {
	s.direct = row[1] != "" && row[1] == port(s.pc.Conn().LocalAddr()) && row[2] == port(s.pc.Conn().RemoteAddr())
	s.citus = row[3] != ""
	s.maySet = row[4] == "t"
}

func port(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return strconv.Itoa(tcp.Port)
	}
	return ""
}

// refuses reports an attempt to connect that failed because of a parameter that PgBouncer does not know; the next one
// will not send it.
func (p *pooler) refuses(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "08P01" || !strings.Contains(pe.Message, "startup parameter") {
		return false
	}
	p.pins.Store(true)
	p.find("it refuses a start-up parameter")
	return true
}

// refusesParameters reports the same of another pooler: its refusal may have this reason, and without the parameters
// there is a connection, to a database that takes them all.
func (p *pool) refusesParameters(ctx context.Context, err error) bool {
	if p.pooler.found.Load() || !mayBeParameters(err) {
		return false
	}
	conf, err := p.config(ctx)
	if err != nil {
		return false
	}
	conf.RuntimeParams = p.pooler.startup
	conn, err := pgconn.ConnectConfig(ctx, conf)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close(ctx) }()
	if conn.ExecParams(ctx, forgotten, [][]byte{pgtext.Array(p.pooler.names), pgtext.Array(p.pooler.values)}, nil, nil,
		nil).Read().Err != nil {
		return false
	}
	p.pooler.find("it refuses start-up parameters that the database takes")
	return true
}

// mayBeParameters: feature not supported, invalid parameter value, undefined object, or a connection that was closed.
func mayBeParameters(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return slices.Contains([]string{"0A000", "22023", "42704"}, pe.Code)
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
