package postgres_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/test/pgtest"
)

// tlsWorld is a database with TLS for the host name localhost.
type tlsWorld struct {
	cluster      *demo.Cluster
	ours, theirs *pgtest.Authority
}

const tlsHBA = `hostssl all demo 127.0.0.1/32 scram-sha-256
hostssl all careful 127.0.0.1/32 scram-sha-256 clientcert=verify-full
hostssl all robot 127.0.0.1/32 cert`

func newTLSWorld(t *testing.T, end time.Time) tlsWorld {
	t.Helper()
	w := tlsWorld{pgtest.NewCluster(t, demo.Config{TCP: true}), pgtest.NewAuthority(t), pgtest.NewAuthority(t)}
	pgtest.Exec(t, w.cluster.AdminURL(), "CREATE ROLE robot LOGIN; CREATE ROLE careful LOGIN PASSWORD 's3cret'")
	pgtest.UseTLS(t, w.cluster, w.ours.Issue(t, "localhost", end), w.ours, tlsHBA)
	return w
}

// url is the connection string of a user with these parameters; the host is localhost but for parameters with host.
func (w tlsWorld) url(t *testing.T, user string, params ...string) string {
	t.Helper()
	u, err := url.Parse(w.cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	if user != demo.Role {
		u.User = url.UserPassword(user, "s3cret")
	}
	u.Host = "localhost:" + u.Port()
	query := url.Values{}
	for i := 0; i < len(params); i += 2 {
		if params[i] == "host" {
			u.Host = params[i+1] + ":" + u.Port()
			continue
		}
		query.Set(params[i], params[i+1])
	}
	u.RawQuery = query.Encode()
	return u.String()
}

const refusedClient = "the database refuses TLS with this client: sslcert and sslkey must name"

func TestTLS(t *testing.T) {
	hour := time.Now().Add(time.Hour)
	w := newTLSWorld(t, hour)
	ours, theirs := pgtest.File(t, w.ours.PEM), pgtest.File(t, w.theirs.PEM)
	robotCert, robotKey := w.ours.Issue(t, "robot", hour).Files(t)
	carefulCert, carefulKey := w.ours.Issue(t, "careful", hour).Files(t)
	strangerCert, strangerKey := w.theirs.Issue(t, "robot", hour).Files(t)
	oldCert, oldKey := w.ours.Issue(t, "robot", time.Now().Add(-time.Hour)).Files(t)
	tests := []struct {
		name, user string
		params     []string
		want       string // the start of the reason; empty if it works
	}{
		{"prefer", "demo", nil, ""}, {"require", "demo", []string{"sslmode", "require"}, ""},
		{"disable", "demo", []string{"sslmode", "disable"}, "the database's pg_hba.conf has no entry for this login without TLS: set sslmode=require"},
		{"require with the CA", "demo", []string{"sslmode", "require", "sslrootcert", ours}, ""},
		{"require with another CA", "demo", []string{"sslmode", "require", "sslrootcert", theirs}, "the database's certificate is signed by an unknown authority: set sslrootcert"},
		{"verify-ca", "demo", []string{"sslmode", "verify-ca", "sslrootcert", ours}, ""},
		{"verify-ca, another CA", "demo", []string{"sslmode", "verify-ca", "sslrootcert", theirs}, "the database's certificate is signed by an unknown authority: set sslrootcert"},
		{"verify-ca, no CA", "demo", []string{"sslmode", "verify-ca"}, "the database's certificate is signed by an unknown authority: set sslrootcert"},
		{"verify-ca, another name", "demo", []string{"sslmode", "verify-ca", "sslrootcert", ours, "host", "127.0.0.1"}, ""}, {"verify-full", "demo", []string{"sslmode", "verify-full", "sslrootcert", ours}, ""},
		{"verify-full, another CA", "demo", []string{"sslmode", "verify-full", "sslrootcert", theirs}, "the database's certificate is signed by an unknown authority: set sslrootcert"},
		{"verify-full, another name", "demo", []string{"sslmode", "verify-full", "sslrootcert", ours, "host", "127.0.0.1"},
			"the database's certificate is for another name than the host in the connection string"},
		{"client certificate", "robot", []string{"sslmode", "verify-full", "sslrootcert", ours, "sslcert", robotCert, "sslkey", robotKey}, ""},
		{"client certificate and password", "careful", []string{"sslmode", "require", "sslcert", carefulCert, "sslkey", carefulKey}, ""},
		{"no client certificate", "robot", []string{"sslmode", "require"}, "the database wants a client certificate: set sslcert and sslkey"},
		{"client certificate of another", "robot", []string{"sslmode", "require", "sslcert", carefulCert, "sslkey", carefulKey}, "the client certificate does not fit the login"},
		{"client certificate of another CA", "robot", []string{"sslmode", "require", "sslcert", strangerCert, "sslkey", strangerKey}, refusedClient},
		{"expired client certificate", "robot", []string{"sslmode", "require", "sslcert", oldCert, "sslkey", oldKey}, refusedClient},
		{"channel binding", "demo", []string{"sslmode", "require", "channel_binding", "require"}, ""},
		{"channel binding without password", "robot", []string{"sslmode", "require", "channel_binding", "require", "sslcert", robotCert, "sslkey", robotKey},
			"the login has no channel binding"},
		{"wrong password", "careful2", []string{"sslmode", "require", "sslcert", carefulCert, "sslkey", carefulKey}, "the database's pg_hba.conf has no entry for this login"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) { checkReason(t, w.url(t, c.user, c.params...), c.want) })
	}
}

// checkReason runs a call, which works if want is empty and else says why not, without a host, user or password.
func checkReason(t *testing.T, url, want string) {
	t.Helper()
	log := &lines{}
	sink := &rows{}
	_, err := open(t, url, log.into).Run(t.Context(), postgres.Call{SQL: "SELECT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"}, sink)
	if want == "" {
		if err != nil || sink.json[0] != "[true]" {
			t.Errorf("Run = %v, %v; want a connection with TLS\n%s", sink.json, err, log.String())
		}
		return
	}
	var down *postgres.Unavailable
	if !errors.As(err, &down) || !strings.HasPrefix(down.Reason, want) {
		t.Fatalf("Run = %v, want Unavailable: %s\n%s", err, want, log.String())
	}
	for _, secret := range []string{"localhost", "127.0.0.1", "demo", "robot", "careful", "s3cret"} {
		if strings.Contains(down.Reason, secret) {
			t.Errorf("the reason tells %q: %s", secret, down.Reason)
		}
	}
	if got := log.String(); !strings.Contains(got, "no connection to the database") || strings.Contains(got, "s3cret") {
		t.Errorf("the log says %q", got)
	}
}

func TestTLSExpired(t *testing.T) {
	w := newTLSWorld(t, time.Now().Add(-time.Hour))
	ours := pgtest.File(t, w.ours.PEM)
	for _, mode := range []string{"verify-ca", "verify-full"} {
		checkReason(t, w.url(t, "demo", "sslmode", mode, "sslrootcert", ours), "the database's certificate has expired or is not valid yet")
	}
	checkReason(t, w.url(t, "demo", "sslmode", "require"), "")
}

func TestTLSCancel(t *testing.T) {
	w := newTLSWorld(t, time.Now().Add(time.Hour))
	db := open(t, w.url(t, "demo", "sslmode", "verify-full", "sslrootcert", pgtest.File(t, w.ours.PEM)))
	run(t, db, postgres.Call{SQL: "SELECT 1"})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := db.Run(ctx, postgres.Call{SQL: "SELECT pg_sleep(600)"}, &rows{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	awaitIdle(t, w.cluster.AdminURL())
}

func TestNoTLS(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{TCP: true})
	for _, mode := range []string{"require", "verify-full"} {
		checkReason(t, strings.Replace(c.URL(), "sslmode=disable", "sslmode="+mode, 1), "the database has no TLS, but sslmode asks for it")
	}
	checkReason(t, strings.Replace(c.URL(), "sslmode=disable", "sslmode=disable&channel_binding=require", 1), "the login has no channel binding")
	for params, want := range map[string]string{
		"channel_binding=require":                             "the login has no channel binding",
		"target_session_attrs=standby":                        "no server in the connection string is as target_session_attrs wants it",
		"target_session_attrs=read-only":                      "no server in the connection string is as target_session_attrs wants it",
		"options=-c%20serch_path%3Dx":                         `the database refuses a setting of the connection string, which only its operator can change: unrecognized configuration parameter "serch_path" (SQLSTATE 42704)`,
		"timezone=Europe/Berln&target_session_attrs=any":      `the database refuses a setting of the connection string, which only its operator can change: invalid value for parameter "TimeZone": "Europe/Berln" (SQLSTATE 22023)`,
		"sslmode=require&target_session_attrs=prefer-standby": "the database has no TLS, but sslmode asks for it",
	} {
		checkReason(t, strings.Replace(c.URL(), "sslmode=disable", params, 1), want)
	}
}

func TestPoolerWord(t *testing.T) {
	for params, want := range map[string]string{
		"pgbouncer=maybe":               "connection string: parameters that can't be used: pgbouncer (write true or false)",
		"search_path=app:s3cret@h%20x,": "connection string: search_path: want identifiers, separated by commas",
	} {
		if _, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:s3cret@h/db?" + params}); err == nil || err.Error() != want {
			t.Errorf("Open with %s = %v, want %s", params, err, want)
		}
	}
}

func TestTLSFiles(t *testing.T) {
	pair := pgtest.NewAuthority(t).Issue(t, "x", time.Now().Add(time.Hour))
	cert, key := pair.Files(t)
	other, _ := pgtest.NewAuthority(t).Issue(t, "x", time.Now().Add(time.Hour)).Files(t)
	noPEM := pgtest.File(t, []byte("no PEM"))
	tests := []struct{ params, want string }{
		{"sslrootcert=/none.pem", "sslrootcert can't be read: open /none.pem: no such file or directory"},
		{"sslrootcert=" + noPEM, "sslrootcert holds no certificate in PEM form"},
		{"sslcert=" + cert, "sslcert and sslkey belong together: set both or none"},
		{"sslcert=/none.pem&sslkey=" + key, "sslcert can't be read: open /none.pem: no such file or directory"},
		{"sslcert=" + cert + "&sslkey=/none.pem", "sslkey can't be read: open /none.pem: no such file or directory"},
		{"sslcert=" + cert + "&sslkey=" + noPEM, "sslkey holds no key in PEM form"},
		{"sslcert=" + other + "&sslkey=" + key, "sslcert does not fit sslkey, or holds no certificate in PEM form"},
	}
	for _, test := range tests {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:s3cret@h/db?sslmode=verify-full&" + test.params})
		if err == nil || err.Error() != "connection string: "+test.want {
			t.Errorf("Open with %s = %v, want %s", test.params, err, test.want)
		}
	}
}
