package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// look asks what a connection leads to.
	look = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.inet_client_port(), pg_catalog.inet_server_port(), " +
		"pg_catalog.current_setting('citus.propagate_set_commands', true), " +
		"pg_catalog.has_function_privilege('pg_catalog.set_config(text, text, boolean)', 'EXECUTE')"
	// forgotten are the parameters of the start-up packet that are not in force: an engine or a pooler may ignore them.
	forgotten = "SELECT s.name FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS s (name, value) " +
		"WHERE (pg_catalog.current_setting(s.name, true) OPERATOR(pg_catalog.=) pg_catalog.set_config(s.name, s.value, true)) IS NOT TRUE"
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

// probe looks for a pooler: one that takes every parameter is known by the number that it gave while connecting, which is
// not the backend's, or by the parameters that it did not pass on.
func (p *pooler) probe(s *session) error {
	s.fixed("", look)
	rows, err := s.ask("", forgotten, textArray(p.names), textArray(p.values))
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

// refused reports an attempt to connect that failed because of a parameter that PgBouncer does not know; the next one will
// not send it.
func (p *pooler) refused(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "08P01" || !strings.Contains(pe.Message, "startup parameter") {
		return false
	}
	p.pins.Store(true)
	p.find("it refuses a start-up parameter")
	return true
}

// refusesParameters reports the same of another pooler: its refusal may have this reason, and without the parameters there
// is a connection, to a database that takes them all.
func (db *DB) refusesParameters(ctx context.Context, err error) bool {
	if db.pooler.found.Load() || !perhapsParameters(err) {
		return false
	}
	conf := db.pool.Config().ConnConfig
	conf.RuntimeParams = db.pooler.startup
	conn, err := pgconn.ConnectConfig(ctx, &conf.Config)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close(ctx) }()
	p := db.pooler
	if conn.ExecParams(ctx, forgotten, [][]byte{textArray(p.names), textArray(p.values)}, nil, nil, nil).Read().Err != nil {
		return false
	}
	p.find("it refuses start-up parameters that the database takes")
	return true
}

// perhapsParameters: feature not supported, invalid parameter value, undefined object, or a connection that was closed.
func perhapsParameters(err error) bool {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return slices.Contains([]string{"0A000", "22023", "42704"}, pe.Code)
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
