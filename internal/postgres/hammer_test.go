package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// TestEachCallAsItsCaller has eight callers make 200 calls at once, on connections that all share, while calls fail,
// are cancelled, leave what they can behind and have their backends killed. No answer may be that of another caller.
func TestEachCallAsItsCaller(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	const callers = 8
	var ids [callers]*postgres.SessionIdentity
	for i := range callers {
		name := fmt.Sprintf("caller%d", i)
		pgtest.Exec(t, c.AdminURL(), fmt.Sprintf("CREATE ROLE %s; CREATE SCHEMA %[1]s AUTHORIZATION %[1]s; CREATE TABLE %[1]s.mine AS SELECT %d AS n; GRANT SELECT ON %[1]s.mine TO %[1]s", name, i))
		ids[i] = &postgres.SessionIdentity{SearchPath: name, Claims: fmt.Sprintf(`{"sub": "o'%d\\"}`, i), Sub: name, Role: `role "` + name, DatabaseRole: name}
	}
	ids[callers-1] = nil // the login itself
	for name, db := range map[string]*postgres.DB{
		"direct": open(t, c.AdminURL()), "PgBouncer": open(t, pgtest.PgBouncer(t, c, map[string]string{"default_pool_size": "3"})),
		"unknown pooler": open(t, pgtest.PgBouncer(t, c, everyParameter)+"&pgbouncer=true"),
	} {
		for _, kills := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, kills %v", name, kills), func(t *testing.T) {
				done, stop := context.WithCancel(t.Context())
				var killer sync.WaitGroup
				if kills {
					killer.Go(func() {
						for done.Err() == nil {
							pgtest.Exec(t, c.AdminURL(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1")
							time.Sleep(5 * time.Millisecond)
						}
					})
				}
				var calls sync.WaitGroup
				for n := range 200 {
					calls.Go(func() {
						for range 3 {
							asItsCaller(t, db, ids[n%callers], kills)
						}
					})
				}
				calls.Wait()
				stop()
				killer.Wait()
			})
		}
	}
}

// asItsCaller makes one call of several kinds, and checks whose answer it gets.
func asItsCaller(t *testing.T, db *postgres.DB, id *postgres.SessionIdentity, kills bool) {
	const who = "SELECT current_user, current_setting('request.jwt.claims', true), current_setting('mcp.sub', true), current_setting('mcp.role', true), current_schemas(false)::text, "
	call := postgres.Call{SQL: who + "1", Identity: id}
	want := [5]string{"postgres", "", "", "", "{public}"}
	if id != nil {
		want = [5]string{id.DatabaseRole, id.Claims, id.Sub, id.Role, "{" + id.SearchPath + "}"}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	leaves := false
	switch kind := rand.IntN(8); kind {
	case 0:
		call.Prepare = true
	case 1:
		call.Untrusted = true
	case 2:
		call.Write, call.Untrusted = true, true
	case 3: // what one leaves must not reach another
		call.SQL = "SELECT set_config('mcp.sub', 'evil', false), set_config('search_path', 'pg_temp', false), set_config('request.jwt.claims', 'evil', false), set_config('mcp.role', 'evil', false)"
		call.Write, call.Untrusted, leaves = true, true, true
	case 4:
		call.SQL, call.Write, call.Untrusted, leaves = "SET SESSION ROLE pg_monitor", true, true, true
	case 5:
		call.SQL, call.Untrusted, leaves = "SELECT 1 / 0", true, true
	case 6:
		call.SQL, call.Untrusted, leaves = "SELECT pg_sleep(10)", true, true
		time.AfterFunc(time.Duration(rand.IntN(20))*time.Millisecond, cancel)
	case 7:
		call.SQL, call.MaxRows, call.Untrusted = who+"generate_series(1, 100000)", 2, true
	}
	var got firstRow
	_, err := db.Run(ctx, call, &got)
	switch {
	case leaves || kills && err != nil:
	case err != nil:
		t.Errorf("Run(%s) = %v", call.SQL, err)
	case !slices.Equal(got[:5], want[:]):
		t.Errorf("Run(%s) answers as %q, want as %q", call.SQL, got[:5], want)
	}
}

// firstRow keeps the first row.
type firstRow []string

func (*firstRow) Columns([]postgres.Column) {}

func (r *firstRow) Row(values [][]byte) bool {
	if *r == nil {
		for _, v := range values {
			*r = append(*r, string(v))
		}
	}
	return true
}

// cutter passes everything on, but ends the connection of a client in the moment of a COMMIT: before it reaches the
// server, or after it, so that its answer is lost.
func cutter(t *testing.T, address string, after bool) string {
	t.Helper()
	host, port, _ := strings.Cut(strings.Split(strings.SplitN(address, "@", 2)[1], "/")[0], ":")
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
			server, err := net.Dial("tcp", net.JoinHostPort(host, port))
			if err != nil {
				client.Close()
				return
			}
			go cutAtCommit(t.Context(), client, server, after)
		}
	}()
	return strings.Replace(address, net.JoinHostPort(host, port), l.Addr().String(), 1)
}

// cutAtCommit holds the server's end until ctx ends, so that what has been sent is done.
func cutAtCommit(ctx context.Context, client, server net.Conn, after bool) {
	defer client.Close()
	defer server.Close()
	var cut atomic.Bool
	go func() { // what the server says reaches the client until the cut
		defer client.Close()
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err != nil {
				return
			}
			if !cut.Load() {
				_, _ = client.Write(buf[:n])
			}
		}
	}()
	buf, sent := make([]byte, 64<<10), ""
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		sent += string(buf[:n])
		commits := strings.Contains(sent, "COMMIT")
		cut.Store(commits)
		if !commits || after {
			_, _ = server.Write(buf[:n])
		}
		switch sync := strings.HasSuffix(sent, "S\x00\x00\x00\x04"); {
		case !commits && sync:
			sent = ""
		case commits && sync: // all of the flight is there
			client.Close()
			if after {
				<-ctx.Done()
			}
			return
		}
	}
}

// TestLostCommit: when the connection is lost around a COMMIT, nobody knows whether it was made; the error says so, and
// the write is never made twice.
func TestLostCommit(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	pgtest.Exec(t, c.AdminURL(), "CREATE TABLE t (id int)")
	n := 0
	through := pgtest.PgBouncer(t, c, nil)
	for _, after := range []bool{false, true, false, true} {
		url := c.AdminURL()
		if n >= 14 {
			url = through
		}
		for _, call := range []postgres.Call{{}, {Untrusted: true}, {Untrusted: true, ProvenClean: true}, {Prepare: true}, {MaxAffected: 5}, {Together: true}, {Together: true, Untrusted: true}} {
			n++
			db := open(t, cutter(t, url, after))
			call.SQL, call.Write = fmt.Sprintf("INSERT INTO t VALUES (%d)", n), true
			_, err := db.Run(t.Context(), call, &rows{})
			if e := (*postgres.Error)(nil); !errors.As(err, &e) || e.Code != "08007" || e.Retryable || !strings.Contains(e.Message, "may or may not have been committed") {
				t.Errorf("after %v, %+v: %v, want 08007, not retryable", after, call, err)
			}
			// Afterwards the engine cancels what it has no answer to, which may come before the COMMIT is done.
			got := pgtest.Value(t, c.AdminURL(), fmt.Sprintf("SELECT count(*) FROM t WHERE id = %d", n))
			if got != "0" && !(after && got == "1") {
				t.Errorf("after %v, %+v: %s rows are written", after, call, got)
			}
		}
	}
	waitUntil(t, "COMMITs whose answer was lost", func() bool { return pgtest.Value(t, c.AdminURL(), "SELECT count(*) FROM t") != "0" })
	if got := pgtest.Value(t, c.AdminURL(), "SELECT count(*) FROM (SELECT FROM t GROUP BY id HAVING count(*) > 1) AS twice"); got != "0" {
		t.Errorf("%s writes were made twice", got)
	}
}

// TestIdentityInOtherEncodings: what an encoding has no character for is refused, never left out.
func TestIdentityInOtherEncodings(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	for encoding, fits := range map[string]string{"LATIN1": "é", "SQL_ASCII": "日本 é"} {
		pgtest.Exec(t, c.AdminURL(), "CREATE DATABASE "+encoding+" TEMPLATE template0 ENCODING '"+encoding+"' LOCALE 'C'")
		url := strings.Replace(c.AdminURL(), "/"+demo.Database+"?", "/"+strings.ToLower(encoding)+"?", 1)
		_, proxy := tap(t, url)
		for _, url := range []string{url, proxy} {
			db := open(t, url)
			for _, text := range []string{fits, "日本"} {
				id := &postgres.SessionIdentity{SearchPath: "public", Sub: text, Role: text, Claims: `{"sub":"` + text + `"}`}
				var got firstRow
				_, err := db.Run(t.Context(), postgres.Call{SQL: "SELECT current_setting('mcp.sub'), current_setting('mcp.role'), current_setting('request.jwt.claims')", Identity: id}, &got)
				switch held := encoding == "SQL_ASCII" || text == fits; {
				case held && (err != nil || !slices.Equal(got, []string{text, text, id.Claims})):
					t.Errorf("%s: %q arrives as %q, %v", encoding, text, got, err)
				case !held && (code(err) != "22P05" || got != nil):
					t.Errorf("%s: %q = %q, %v; want 22P05", encoding, text, got, err)
				}
			}
		}
	}
}
