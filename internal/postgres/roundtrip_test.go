package postgres_test

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// wire is a TCP proxy that counts flights: bytes of the client that come after bytes of the server.
type wire struct {
	network, address string
	flights          atomic.Int64
	conns            atomic.Int64
}

// tap puts a wire before the database of address and returns the connection string through it.
func tap(t *testing.T, address string) (*wire, string) {
	t.Helper()
	conf, err := pgconn.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	w.network, w.address = pgconn.NetworkAddress(conf.Host, conf.Port)
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
			go w.carry(client)
		}
	}()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(conf.User, conf.Password), Host: l.Addr().String(), Path: "/" + conf.Database, RawQuery: "sslmode=disable"}
	return w, u.String()
}

func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial(w.network, w.address)
	if err != nil {
		return
	}
	defer server.Close()
	w.conns.Add(1)
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		defer client.Close()
		_, _ = io.Copy(listener(func(p []byte) (int, error) {
			answered.Store(true)
			return client.Write(p)
		}), server)
	}()
	_, _ = io.Copy(listener(func(p []byte) (int, error) {
		if answered.Swap(false) {
			w.flights.Add(1)
		}
		return server.Write(p)
	}), client)
}

type listener func([]byte) (int, error)

func (f listener) Write(p []byte) (int, error) { return f(p) }

// cost is the number of flights of a call on a warm connection.
type cost struct {
	name         string
	call         postgres.Call
	first, again int64
}

var somebody = &postgres.SessionIdentity{SearchPath: "public", Claims: `{"sub":"x"}`, Sub: "x", Role: "r", DatabaseRole: "postgres"}

var costs = []cost{
	{"kept read", postgres.Call{SQL: "SELECT * FROM t WHERE id = $1::int", Args: texts("1"), Prepare: true}, 1, 1},
	{"kept write", postgres.Call{SQL: "UPDATE t SET name = $1::text", Args: texts("x"), Prepare: true, Write: true}, 2, 2},
	{"read of a caller", postgres.Call{SQL: "SELECT * FROM t", Untrusted: true}, 1, 1},
	{"read of a caller, cut", postgres.Call{SQL: "SELECT generate_series(1, 100000)", Untrusted: true, MaxRows: 5}, 1, 1},
	{"three reads of a caller", postgres.Call{SQL: "SELECT * FROM t", Untrusted: true, Identity: somebody, MaxRows: 1, Then: []postgres.Then{
		{SQL: "SELECT 2", Sink: &rows{}}, {SQL: "SELECT * FROM t", Sink: &rows{}, MaxRows: 1}}}, 1, 1},
	{"two writes of a caller", postgres.Call{SQL: "INSERT INTO t VALUES (2)", Untrusted: true, Write: true, Then: []postgres.Then{{SQL: "DELETE FROM t WHERE id = 2", Sink: &rows{}}}}, 2, 2},
	{"write of a caller", postgres.Call{SQL: "INSERT INTO t VALUES (2)", Untrusted: true, Write: true}, 2, 2},
	{"what may write, by its text a read", postgres.Call{SQL: "SELECT * FROM t", Untrusted: true, Write: true, Together: true}, 1, 1},
	{"kept read of somebody", postgres.Call{SQL: "SELECT * FROM t", Prepare: true, Identity: somebody}, 1, 1},
	{"read of a caller, proven and verified", postgres.Call{SQL: "SELECT * FROM t", Untrusted: true, ProvenClean: true, Identity: somebody,
		Verify: &postgres.Verify{Names: []string{"pg_catalog.pg_class"}, OIDs: []uint32{1259}}}, 1, 1},
	{"read of a caller, traced", postgres.Call{SQL: "SELECT * FROM t", Untrusted: true, ProvenClean: true, Identity: somebody, Application: "traced",
		Verify: &postgres.Verify{Names: []string{"pg_catalog.pg_class"}, OIDs: []uint32{1259}}}, 1, 1},
	{"write of a caller, changed", postgres.Call{SQL: "INSERT INTO t VALUES (2)", Untrusted: true, Write: true, Identity: somebody,
		Verify: &postgres.Verify{Names: []string{"t"}, OIDs: []uint32{1259}}}, 2, 2},
	{"setting of a caller", postgres.Call{SQL: "SET work_mem = '5MB'", Untrusted: true, Write: true}, 2, 2},
	{"error of a caller", postgres.Call{SQL: "SELECT nothing", Untrusted: true, Write: true}, 2, 2},
	{"new type, then known", postgres.Call{SQL: "SELECT 'fine'::mood", Untrusted: true}, 2, 1},
	{"parameters whose types are asked for", postgres.Call{SQL: "SELECT 1 = ANY ($1)", Bind: arrays("{1}"), Untrusted: true}, 3, 2},
	{"limit of written rows", postgres.Call{SQL: "UPDATE t SET name = 'y'", MaxAffected: 10, Write: true}, 2, 2},
}

// What costs a flight more without a pooler; the caller does not wait for it.
var (
	costOfPrepare = cost{"PREPARE", postgres.Call{SQL: "PREPARE p AS SELECT 1", Untrusted: true}, 2, 2}
	costOfError   = cost{"error", postgres.Call{SQL: "SELECT 1 / 0"}, 2, 2} // the ROLLBACK again
	costOfErrors  = cost{"error of a caller who reads", postgres.Call{SQL: "SELECT 1 / 0", Untrusted: true}, 2, 2}
)

func TestRoundTrips(t *testing.T) {
	url := pgtest.URL(t)
	checkRoundTrips(t, url, url, append(costs, costOfPrepare, costOfError, costOfErrors))
}

func TestRoundTripsThroughPooler(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	all := append([]cost{costOfPrepare, costOfError, costOfErrors}, costs...)
	for i := range 3 { // what is left is thrown away in the same flight
		all[i].first, all[i].again = 1, 1
	}
	checkRoundTrips(t, c.AdminURL(), pgtest.PgBouncer(t, c, nil), all)
}

func checkRoundTrips(t *testing.T, direct, through string, costs []cost) {
	t.Helper()
	pgtest.Exec(t, direct, "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1, 'a'); CREATE TYPE mood AS ENUM ('fine')")
	w, address := tap(t, through)
	db := open(t, address, func(c *postgres.Config) { c.MinConns, c.MaxConns = 1, 1 })
	for range 3 {
		run(t, db, postgres.Call{SQL: "SELECT 1", Prepare: true})
		run(t, db, postgres.Call{SQL: "SELECT 1", Prepare: true, Write: true})
	}
	conns := w.conns.Load()
	for _, test := range costs {
		for i, want := range []int64{test.first, test.again, test.again} {
			time.Sleep(5 * time.Millisecond) // the reset of the call before is no cost of this one, but must be over
			before := w.flights.Load()
			_, _ = db.Run(t.Context(), test.call, &rows{})
			time.Sleep(5 * time.Millisecond)
			if got := w.flights.Load() - before; got != want {
				t.Errorf("%s, time %d: %d flights, want %d", test.name, i+1, got, want)
			}
		}
	}
	if got := w.conns.Load(); got != conns {
		t.Errorf("%d connections were opened, want %d", got, conns)
	}
}
