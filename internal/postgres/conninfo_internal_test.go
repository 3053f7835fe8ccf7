package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A password that was not encoded is read as it is meant, or refused without a word of it.
func TestPasswordsThatAreNotEncoded(t *testing.T) {
	t.Parallel()
	passwords := []string{
		"s3cret", "s3@cret", "@s3cret", "s3cret@", "s3/cret", "12/s3cret", "s3?cret=1", "12?s3cret=1", "s3#cret", "12#s3cret", "s3%cret", "s3%40%cret",
		"s3 cret", "s3&cret=1", "s3:cret", "12:s3cret", `s3"cret`, "s3'cret", "s3`: cret", "s3\ncret", "s3=cret", "s3,cret", "[s3cret", "s3;cret=1", "s3://cret", "?s3cret=@",
	}
	forms := []string{
		"postgres://app:PASS@db/shop", "postgres://app:PASS@db:5432,db2/shop?sslmode=require", "postgres://PASS@db/shop", "postgres://:PASS@db",
		"postgres://db/shop?user=app&password=PASS", "postgres://db/shop?password=PASS&user=app", "postgres://db/shop?sslpassword=PASS", "postgres:/app:PASS@db/shop",
		"host=db user=app password=PASS dbname=shop", "host=db user=app password='PASS' dbname=shop", "host=db;user=app;password=PASS;database=shop",
		"host=app:PASS@db", "dbname=postgres://app:PASS@db/shop", "DATABASE_URL=postgres://app:PASS@db/shop", "postgresql+asyncpg://app:PASS@db/shop?ssl=true",
		"'postgres://app:PASS@db/shop", "psql postgres://app:PASS@db/shop", "jdbc:postgresql://db/shop?user=app&password=PASS", "app:PASS@db/shop",
		"Server=db;Port=5432;User Id=app;Password=PASS;", "${DB}://app:PASS@db/shop?sslmode=disable", "PASS://app@db/shop", "postgres://db/shop?PASS=x&sslmode=PASS",
	}
	for _, form := range forms {
		for _, password := range passwords {
			text := strings.ReplaceAll(form, "PASS", password)
			c, err := parseConnInfo(text)
			if err == nil {
				if strings.Contains(c.Host+c.Database, "s3") || strings.Contains(c.Host+c.Database, "cret") {
					t.Errorf("parseConnInfo(%q): host %q, database %q, want no part of the password there", text, c.Host, c.Database)
				}
				continue
			}
			if strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "cret") {
				t.Errorf("parseConnInfo(%q) = %v, want nothing of the password in it", text, err)
			}
		}
	}
}

func TestParseConnInfo(t *testing.T) {
	t.Parallel()
	const plain = "postgres://app:s3cret@db:6543/shop"
	for _, text := range []string{
		plain, " " + plain + "\r\n", `"` + plain + `"`, "'" + plain + "'\n", "POSTGRES://app:s3cret@db:6543/shop", "PostgreSQL://app:s3cret@db:6543/shop",
		plain + "?search_path=sales&statement_timeout=5s&TimeZone=UTC", plain + "?mcp.tenant=7&citus.propagate_set_commands=local&role=reader",
		plain + "?pgbouncer=true&sslmode=require&channel_binding=prefer&pool_max_conns=4&statement_cache_capacity=0", plain + "?ssl=true",
		"host=db port=6543 user=app password=s3cret dbname=shop application_name='a b'", "\n host = db port=6543 user=app password='s3cret' database=shop",
		plain + "?options=-c%20gp_engine%3Don", "postgres://app:s3cret@db:6543/shop?application_name=a@b",
	} {
		c, err := parseConnInfo(text)
		if err != nil {
			t.Errorf("parseConnInfo(%q) = %v, want no error", text, err)
			continue
		}
		if c.Host != "db" || c.Port != 6543 || c.User != "app" || c.Password != "s3cret" || c.Database != "shop" {
			t.Errorf("parseConnInfo(%q): host %q, port %d, user %q, password %q, database %q", text, c.Host, c.Port, c.User, c.Password, c.Database)
		}
	}
	for _, text := range []string{"postgres://", "host=/var/run/postgresql", "postgres://[::1]:5432/shop", "postgres://%2Ftmp/shop", "postgres:///shop", "user=app@corp host=10.0.0.1"} {
		if _, err := parseConnInfo(text); err != nil {
			t.Errorf("parseConnInfo(%q) = %v, want no error", text, err)
		}
	}
}

// TestOtherPrograms: the parameters of libpq that the driver does not know, and those of other programs, are understood
// where their meaning is plain, and the log says as what.
func TestOtherPrograms(t *testing.T) {
	for _, test := range []struct{ url, want, notes string }{
		{"postgresql+asyncpg://app:s3cret@db/shop?ssl=require", "db TLS", "the scheme (read as postgresql), ssl (read as sslmode)"},
		{"ecto://app:s3cret@db/shop?ssl=true&pool_size=4", "db TLS most=4", "the scheme (read as postgresql), pool_size (read as --pool-max)"},
		{"jdbc:postgresql://db/shop?user=app&password=s3cret&currentSchema=a,b&ApplicationName=x&loadBalanceHosts=true&targetServerType=primary",
			"db TLS? search_path=a,b application_name=x", "the scheme (read as postgresql), ApplicationName (read as application_name), currentSchema (read as search_path), " +
				"loadBalanceHosts (ignored), targetServerType (read as target_session_attrs)"},
		{"postgis://app:s3cret@db/shop?sslmode=no-verify", "db TLS", "the scheme (read as postgresql), sslmode=no-verify (read as require)"},
		{"postgres://app:s3cret@db/shop?sslmode=Disable", "db", ""},
		{"postgres://app:s3cret@db/shop?ssl=false", "db", "ssl (read as sslmode)"},
		{"postgres://app:s3cret@db/shop?ssl=false&sslmode=verify-full", "db TLS verified", "ssl (read as sslmode)"},
		{"postgres://app:s3cret@db/shop?schema=public&connection_limit=5&pool_timeout=10&pgbouncer=true&sslaccept=accept_invalid_certs&sslmode=require",
			"db TLS most=5 pooler search_path=public", "connection_limit (read as --pool-max), pgbouncer (read as pooler), pool_timeout (ignored), " +
				"schema (read as search_path), sslaccept (ignored)"},
		{"postgres://app:s3cret@db/shop?sslmode=require&sslaccept=strict&schema=MyApp", `db TLS verified search_path="MyApp"`,
			"schema (read as search_path), sslaccept (read as sslmode)"},
		{"postgres://app:s3cret@db/shop?sslmode=disable&sslaccept=strict", "db", "sslaccept (read as sslmode)"},
		{"postgres://app:s3cret@db/shop?schema=a&search_path=b&fallback_application_name=y&application_name=x", "db TLS? search_path=b application_name=x",
			"fallback_application_name (read as application_name), schema (read as search_path)"},
		{"postgres://app:s3cret@db/shop?keepalives=1&keepalives_idle=30&gssencmode=prefer&sslcompression=0&ssl_min_protocol_version=TLSv1.2" +
			"&statement_cache_capacity=0&prefer_simple_protocol=false", "db TLS?", "gssencmode (ignored), keepalives (ignored), keepalives_idle (ignored), " +
			"prefer_simple_protocol (ignored), ssl_min_protocol_version (ignored), sslcompression (ignored)"},
		{"host=db hostaddr=10.0.0.1 user=app password='s3 cret\\'' connectTimeout=7 ssl=verify-full", "10.0.0.1 TLS verified",
			"connectTimeout (read as connect_timeout), hostaddr (read as hostaddr), ssl (read as sslmode)"},
		{"hostaddr=10.0.0.1 user=app password=s3cret sslmode=disable", "10.0.0.1", "hostaddr (read as hostaddr)"},
		{"host=db user=app password=s3cret sslmode=disable load_balance_hosts=random channel_binding=prefer require_auth=password sslsni=0 krbsrvname=x " +
			"target_session_attrs=any tcp_user_timeout=5 client_encoding=auto", "db", "load_balance_hosts (ignored)"},
	} {
		c, err := parseConnInfo(test.url)
		if err != nil {
			t.Errorf("parseConnInfo(%q) = %v, want no error", test.url, err)
			continue
		}
		hosts, err := c.LookupFunc(t.Context(), c.Host)
		got := c.Host
		if err == nil && len(hosts) == 1 {
			got = hosts[0]
		}
		for _, word := range []struct {
			text string
			is   bool
		}{
			{" TLS", c.TLSConfig != nil && len(c.Fallbacks) == 0}, {" TLS?", len(c.Fallbacks) > 0},
			{" verified", c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify}, {" most=" + strconv.Itoa(c.most), c.most > 0}, {" pooler", c.pooler},
			{" search_path=" + c.RuntimeParams["search_path"], c.RuntimeParams["search_path"] != ""},
			{" application_name=" + c.RuntimeParams["application_name"], c.RuntimeParams["application_name"] != "mcp-postgres"},
		} {
			if word.is {
				got += word.text
			}
		}
		if notes := strings.Join(c.notes, ", "); got != test.want || notes != test.notes {
			t.Errorf("parseConnInfo(%q)\n got %s: %s\nwant %s: %s", test.url, got, notes, test.want, test.notes)
		}
		if c.User != "app" || !strings.HasPrefix(c.Password, "s3") {
			t.Errorf("parseConnInfo(%q): user %s, password %s", test.url, c.User, c.Password)
		}
	}
}

// TestEnvironment: the variables and the service files are those of libpq.
func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	for name, value := range map[string]string{"PGHOST": "env", "PGUSER": "u", "PGGSSENCMODE": "disable", "PGGEQO": "off", "PGTZ": "Asia/Tokyo",
		"PGOPTIONS": "-c work_mem=5MB", "PGSSLMODE": "disable", "PGSYSCONFDIR": dir, "PGSERVICEFILE": filepath.Join(dir, "none")} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(dir, "pg_service.conf"), []byte("[shop]\nhost=service\nschema=sales\nkeepalives=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parseConnInfo("postgres://")
	if err != nil || c.Host != "env" || c.User != "u" || c.RuntimeParams["geqo"] != "off" || c.RuntimeParams["timezone"] != "Asia/Tokyo" ||
		c.RuntimeParams["options"] != "-c work_mem=5MB" || c.TLSConfig != nil {
		t.Errorf("parseConnInfo(postgres://) = %+v, %v", c, err)
	}
	for _, text := range []string{"service=shop", "postgres://?service=shop"} {
		if c, err = parseConnInfo(text); err != nil || c.Host != "service" || c.RuntimeParams["search_path"] != "sales" {
			t.Errorf("parseConnInfo(%s) = %+v, %v", text, c, err)
		}
	}
	if _, err = parseConnInfo("service=other"); err == nil || !strings.Contains(err.Error(), "the service is not in") {
		t.Errorf("parseConnInfo(service=other) = %v", err)
	}
	t.Setenv("PGSSLCRL", "x.pem")
	if _, err = parseConnInfo("postgres://"); err == nil || !strings.Contains(err.Error(), "PGSSLCRL (remove it: lists of revoked") {
		t.Errorf("parseConnInfo with PGSSLCRL = %v, want it refused", err)
	}
}

func TestSettingsOfSessionsAreSorted(t *testing.T) {
	names := strings.Fields(sessionSettings)
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			t.Errorf("sessionSettings has %s before %s, want it sorted", names[i-1], names[i])
		}
	}
	for name := range foreignByName {
		if isSetting(name) {
			t.Errorf("%s is a setting of sessions, and of other clients too", name)
		}
	}
}
