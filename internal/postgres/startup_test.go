package postgres_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// porter stands before a database like a pooler that passes on every byte but the start-up packet, which greet may
// change; an answer of greet goes to the client, whose connection then ends.
func porter(t *testing.T, address string, greet func(*pgproto3.StartupMessage) pgproto3.BackendMessage) string {
	t.Helper()
	conf, err := pgconn.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	network, place := pgconn.NetworkAddress(conf.Host, conf.Port)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go carryAfter(client, network, place, greet)
		}
	}()
	return "postgres://" + conf.User + ":" + conf.Password + "@" + l.Addr().String() + "/" + conf.Database + "?sslmode=disable"
}

func carryAfter(client net.Conn, network, address string, greet func(*pgproto3.StartupMessage) pgproto3.BackendMessage) {
	defer client.Close()
	backend := pgproto3.NewBackend(client, client)
	msg, err := backend.ReceiveStartupMessage()
	start, ok := msg.(*pgproto3.StartupMessage)
	if err != nil || !ok { // a request to cancel
		return
	}
	switch answer := greet(start).(type) {
	case nil:
	case *pgproto3.ErrorResponse:
		backend.Send(answer)
		_ = backend.Flush()
		return
	default:
		return
	}
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close()
	packet, _ := start.Encode(nil)
	if _, err := server.Write(packet); err != nil {
		return
	}
	go func() { defer client.Close(); _, _ = io.Copy(client, server) }()
	_, _ = io.Copy(server, client)
}

// TestStartupParametersRefused: poolers say in their own ways that they don't know a start-up parameter; where the
// database takes it, it travels with the calls.
func TestStartupParametersRefused(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	const words = "&timezone=Europe/Berlin&work_mem=5MB"
	const settings = "SELECT current_setting('timezone'), current_setting('work_mem'), current_setting('bytea_output'), current_setting('datestyle')"
	refusal := func(code string) pgproto3.BackendMessage {
		return &pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: "no such parameter"}
	}
	for name, answer := range map[string]pgproto3.BackendMessage{
		"0A000": refusal("0A000"), "22023": refusal("22023"), "42704": refusal("42704"), "closed": &pgproto3.NoticeResponse{},
	} {
		log := &lines{}
		db := open(t, porter(t, c.AdminURL(), func(m *pgproto3.StartupMessage) pgproto3.BackendMessage {
			if m.Parameters["work_mem"] != "" {
				return answer
			}
			return nil
		})+words, log.into)
		if got, _ := run(t, db, postgres.Call{SQL: settings}); got.json[0] != `["Europe/Berlin","5MB","hex","ISO, YMD"]` {
			t.Errorf("%s: the settings are %s", name, got.json[0])
		}
		if !strings.Contains(log.String(), "connection pooler found") {
			t.Errorf("%s: no pooler found:\n%s", name, log.String())
		}
	}
	// What the database itself refuses stays refused.
	log := &lines{}
	db := open(t, c.AdminURL()+"&options=-c%20no_such_setting%3D1", log.into)
	_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT 1"}, &rows{})
	if err == nil || !strings.Contains(err.Error(), "42704") || strings.Contains(log.String(), "pooler found") {
		t.Errorf("a setting that there is not = %v, want 42704 and no pooler; the log: %s", err, log.String())
	}
}

// TestStartupParametersIgnored has an engine that forgets them: the first call has them all the same.
func TestStartupParametersIgnored(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	pgtest.Exec(t, c.AdminURL(), "CREATE SCHEMA other")
	for _, kept := range []string{"", "datestyle", "timezone"} {
		log := &lines{}
		db := open(t, porter(t, c.AdminURL(), func(m *pgproto3.StartupMessage) pgproto3.BackendMessage {
			m.Parameters = map[string]string{"user": m.Parameters["user"], "database": m.Parameters["database"]}
			if kept != "" {
				m.Parameters[kept] = map[string]string{"datestyle": "ISO, YMD", "timezone": "Europe/Berlin"}[kept]
			}
			return nil
		})+"&timezone=Europe/Berlin&search_path=other", log.into)
		const settings = "SELECT current_setting('timezone'), current_schema(), current_setting('datestyle'), current_setting('jit')"
		if got, _ := run(t, db, postgres.Call{SQL: settings, Prepare: true}); got.json[0] != `["Europe/Berlin","other","ISO, YMD","off"]` {
			t.Errorf("the settings of the first call are %s", got.json[0])
		}
		if !strings.Contains(log.String(), "start-up parameters are ignored") {
			t.Errorf("the log does not say why:\n%s", log.String())
		}
	}
}

// TestNothingBetween: a connection past any pooler is found to be one, whatever parameters it was given.
func TestNothingBetween(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	for _, words := range []string{"", "&timezone=utc", "&timezone=%2B2&work_mem=5120kB&search_path=a,%22B%22,%24user", "&options=-c%20work_mem%3D5MB%20-c%20myapp.x%3D1", "&temp_tablespaces=&datestyle=German"} {
		log := &lines{}
		run(t, open(t, c.AdminURL()+words, log.into), postgres.Call{SQL: "SELECT 1"})
		if strings.Contains(log.String(), "pooler") {
			t.Errorf("with %s a pooler was found:\n%s", words, log.String())
		}
	}
}
