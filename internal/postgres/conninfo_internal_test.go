package postgres

import (
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
			conf, err := parseConfig(text)
			if err == nil {
				c := conf.ConnConfig
				if strings.Contains(c.Host+c.Database, "s3") || strings.Contains(c.Host+c.Database, "cret") {
					t.Errorf("parseConfig(%q): host %q, database %q, want no part of the password there", text, c.Host, c.Database)
				}
				continue
			}
			if strings.Contains(err.Error(), "s3") || strings.Contains(err.Error(), "cret") {
				t.Errorf("parseConfig(%q) = %v, want nothing of the password in it", text, err)
			}
		}
	}
}

func TestParseConfig(t *testing.T) {
	t.Parallel()
	const plain = "postgres://app:s3cret@db:6543/shop"
	for _, text := range []string{
		plain, " " + plain + "\r\n", `"` + plain + `"`, "'" + plain + "'\n", "POSTGRES://app:s3cret@db:6543/shop", "PostgreSQL://app:s3cret@db:6543/shop",
		plain + "?search_path=sales&statement_timeout=5s&TimeZone=UTC", plain + "?mcp.tenant=7&citus.propagate_set_commands=local&role=reader",
		plain + "?pgbouncer=true&sslmode=require&channel_binding=prefer&pool_max_conns=4&statement_cache_capacity=0", plain + "?ssl=true",
		"host=db port=6543 user=app password=s3cret dbname=shop application_name='a b'", "\n host = db port=6543 user=app password='s3cret' database=shop",
		plain + "?options=-c%20gp_engine%3Don", "postgres://app:s3cret@db:6543/shop?application_name=a@b",
	} {
		conf, err := parseConfig(text)
		if err != nil {
			t.Errorf("parseConfig(%q) = %v, want no error", text, err)
			continue
		}
		if c := conf.ConnConfig; c.Host != "db" || c.Port != 6543 || c.User != "app" || c.Password != "s3cret" || c.Database != "shop" {
			t.Errorf("parseConfig(%q): host %q, port %d, user %q, password %q, database %q", text, c.Host, c.Port, c.User, c.Password, c.Database)
		}
	}
	for _, text := range []string{"postgres://", "host=/var/run/postgresql", "postgres://[::1]:5432/shop", "postgres://%2Ftmp/shop", "postgres:///shop", "user=app@corp host=10.0.0.1"} {
		if _, err := parseConfig(text); err != nil {
			t.Errorf("parseConfig(%q) = %v, want no error", text, err)
		}
	}
}

func TestSettingsOfSessionsAreSorted(t *testing.T) {
	names := strings.Fields(sessionSettings)
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			t.Errorf("sessionSettings has %s before %s, want it sorted", names[i-1], names[i])
		}
	}
	for name := range instead {
		if isSetting(name) {
			t.Errorf("%s is a setting of sessions, and of other clients too", name)
		}
	}
}
