package postgres

import (
	_ "embed" // settings.txt
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// What to write, for who wrote something else. No message about a connection string repeats a part of it but the names of
// parameters that are plain words.
const (
	wantURL    = "postgres://user:password@host:port/database"
	wantString = "want " + wantURL + " or keyword=value pairs"
	coded      = "what has a meaning in a URL must be percent-encoded in names and passwords: " +
		"@ is %40, : is %3A, / is %2F, ? is %3F, # is %23, & is %26, % is %25, a blank is %20"
	wantCoded = coded + "; " + wantString
)

func connFault(format string, args ...any) error {
	return fmt.Errorf("connection string: "+format, args...)
}

// parseConfig reads a connection string for the driver, which takes what it does not understand for key=value pairs, and
// each key that it does not know for a setting of the session.
func parseConfig(text string) (*pgxpool.Config, error) {
	text, err := tidy(text)
	if err != nil {
		return nil, err
	}
	conf, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, parseError(err)
	}
	if err := checkPlaces(&conf.ConnConfig.Config); err != nil {
		return nil, err
	}
	return conf, checkParameters(conf.ConnConfig.RuntimeParams, strings.Contains(text, "password="))
}

// User is the login of a connection string; empty if it can't be told.
func User(url string) string {
	if url == "" {
		return ""
	}
	conf, err := parseConfig(url)
	if err != nil {
		return ""
	}
	return conf.ConnConfig.User
}

// urlStart is the scheme of a URL, and pairStart the name of the first pair; other programs put semicolons between pairs.
var (
	urlStart   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.:-]*)://`)
	pairStart  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*\s*=`)
	semicolons = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ ]*=[^'\s;]*;\s*[A-Za-z][A-Za-z0-9_ ]*=`)
)

// tidy drops what is left around a connection string by shells and files, and refuses what is none.
func tidy(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := len(text); n > 1 && strings.IndexByte("\"'`", text[0]) >= 0 && text[n-1] == text[0] {
		text = strings.TrimSpace(text[1 : n-1])
	}
	before, rest, slashes := strings.Cut(text, "://")
	switch start := urlStart.FindStringSubmatch(text); {
	case text == "":
		return "", connFault("it is blank: %s", wantString)
	case start != nil && (strings.EqualFold(start[1], "postgres") || strings.EqualFold(start[1], "postgresql")):
		return "postgres://" + rest, checkURL(rest)
	case start != nil:
		return "", connFault("it begins neither with postgres:// nor with postgresql://, the schemes of PostgreSQL itself "+
			"(names of drivers and of other programs do not belong there): %s", wantString)
	case text[0] == '$':
		return "", connFault("it is a placeholder that nothing has filled in: %s", wantString)
	case slashes && pairStart.MatchString(text) && strings.Count(before, "=") == 1 && !strings.HasPrefix(text, "password"):
		return "", connFault("a URL stands after a name and an =: write the URL alone, like %s", wantURL)
	case semicolons.MatchString(text):
		return "", connFault("the pairs are separated by semicolons: want blanks, as in host=db.example.com user=app dbname=shop")
	case !pairStart.MatchString(text):
		return "", connFault("%s", wantString)
	}
	return text, nil
}

// checkURL refuses a URL whose parts can't be told apart. A @ ends user and password only before the first slash, as in libpq.
func checkURL(rest string) error {
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		user, _, _ := strings.Cut(rest[:i], ":")
		if strings.ContainsAny(user, "?#=&") {
			return connFault("%s", wantCoded)
		}
		rest = rest[i+1:]
	}
	place, _, _ := strings.Cut(rest, "?")
	if strings.ContainsAny(place, "@#") || strings.Contains(rest, "#") || strings.ContainsAny(rest, " \t\r\n") {
		return connFault("%s", wantCoded)
	}
	return nil
}

// faults of values are the driver's words for them, and what was wanted.
var valueFaults = []struct{ words, want string }{
	{"sslmode is invalid", "sslmode is not one of disable, allow, prefer, require, verify-ca and verify-full, in small letters " +
		"(what other clients call no-verify is require)"},
	{"invalid port", "the port is not a number from 1 to 65535: " + wantString},
	{"could not match", "there are neither as many ports as hosts nor one for all"},
	{"invalid sslcertmode", "sslcertmode is not one of disable, allow and require"},
	{"invalid connect_timeout", "connect_timeout is not a number of seconds"},
	{"unknown target_session_attrs", "target_session_attrs is not one of any, read-write, read-only, primary, standby and prefer-standby"},
	{"protocol_version", "min_protocol_version and max_protocol_version are not 3.0, 3.2 or latest, the least first"},
	{"unknown channel_binding", "channel_binding is not one of disable, prefer and require"},
	{"invalid require_auth", "require_auth names a method that is not known, or is wrongly put together"},
	{"failed to read service", "the service is not in the service file, or that can't be read"},
	{"failed to parse as URL", wantCoded},
}

// parseError words what the driver can't use. Its own text quotes the connection string, so none of it is passed on.
func parseError(err error) error {
	if fault := fileFault(err); fault != nil {
		return fault
	}
	text := err.Error()
	reason := text[strings.LastIndex(text, "`: ")+1:]
	for _, f := range valueFaults {
		if strings.Contains(reason, f.words) {
			return connFault("%s", f.want)
		}
	}
	return connFault("%s", wantString)
}

var hostName = regexp.MustCompile(`^[\pL\pN._:%-]+$`)

// checkPlaces refuses hosts that are none, so that they are not looked up: they may be a part of a password.
func checkPlaces(c *pgconn.Config) error {
	for _, f := range append(slices.Clone(c.Fallbacks), &pgconn.FallbackConfig{Host: c.Host, Port: c.Port}) {
		network, _ := pgconn.NetworkAddress(f.Host, f.Port)
		if network == "tcp" && !hostName.MatchString(f.Host) {
			return connFault("the host is no name or address; %s", wantCoded)
		}
	}
	if strings.Contains(c.Host+c.User+c.Database, "://") {
		return connFault("a URL stands in the place of a host, user or database: write the URL alone, like %s", wantURL)
	}
	return nil
}

var plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// checkParameters refuses what is neither a parameter of the connection nor a setting of a session, all in one sentence. A word
// that may be the rest of a password which was given as a parameter is not repeated.
func checkParameters(params map[string]string, secret bool) error {
	var named []string
	unnamed, last := 0, ""
	for key, value := range params {
		switch {
		case isSetting(key):
		case insteadOf(key, value) != "":
			named = append(named, key+" ("+insteadOf(key, value)+")")
		case secret || !plainWord.MatchString(key):
			unnamed++
		default:
			named = append(named, key)
			last = "; a setting that only your database knows goes into options='-c name=value', in a URL options=-c%20name%3Dvalue"
		}
	}
	slices.Sort(named)
	if unnamed > 0 {
		named = append(named, fmt.Sprintf("%d not repeated here, for they may be a part of a password (%s)", unnamed, coded))
	}
	if named == nil {
		return nil
	}
	return connFault("these are neither parameters of a connection nor settings of PostgreSQL: %s%s", strings.Join(named, ", "), last)
}

// sessionSettings are what a start-up packet may set in PostgreSQL 14 to 18 and in Debian's, in small letters, one a line: those of
// pg_settings whose context is user, superuser, backend or superuser-backend.
//
//go:embed settings.txt
var sessionSettings string

var knownSettings = func() map[string]bool {
	known := map[string]bool{"options": true, saysPooler: true, "prefer_simple_protocol": true}
	for _, name := range strings.Fields(sessionSettings) {
		known[name] = true
	}
	return known
}()

var dotted = regexp.MustCompile(`^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$`)

// isSetting reports whether a parameter that is none of the connection may be a setting of the session. A name with a dot is
// one of an extension; only the database knows those.
func isSetting(name string) bool {
	name = strings.ToLower(name)
	return knownSettings[name] || dotted.MatchString(name)
}

// instead is what to write here for parameters of other clients, by their names in small letters.
var instead = func() map[string]string {
	all := map[string]string{}
	for advice, names := range map[string]string{
		"write search_path=":                            "schema currentschema schema_search_path searchpath",
		"write --pool-max":                              "connection_limit connectionlimit max_connections maximumpoolsize maxpoolsize pool_size poolsize max",
		"write --pool-min":                              "minimumpoolsize minpoolsize min_pool_size min",
		"write --statement-timeout-ms":                  "commandtimeout command_timeout query_timeout querytimeout max_execution_time sockettimeout socket_timeout",
		"write application_name=":                       "applicationname fallback_application_name",
		"write connect_timeout=":                        "connecttimeout connectiontimeout connectiontimeoutmillis logintimeout timeout",
		"write sslmode=disable, require or verify-full": "ssl ssl_mode sslaccept sslfactory trustservercertificate uselibpqcompat usessl requiressl",
		"write sslrootcert=":                            "sslca ssl_ca rootcertificate sslidentity",
		"write target_session_attrs=":                   "targetservertype targetsessionattributes",
		"write host=":                                   "server hostname hostaddr",
		"write user=":                                   "username uid userid",
		"write password=":                               "pwd",
		"write dbname=":                                 "db",
		"remove it: it is always UTF-8":                 "charset encoding characterencoding",
		"remove it": "adapter asyncpg_prepared_statements channel_limit client_flag driver gssencmode gsslib gssdelegation " +
			"keepalives keepalives_count keepalives_idle keepalives_interval loadbalancehosts load_balance_hosts " +
			"passwordencoding pgbouncer_mode pool pool_recycle pool_timeout pooltimeout pooling prepared_statements " +
			"prepared_statement_cache_size preparethreshold replication requirepeer rewritebatchedinserts reconnect " +
			"sslcompression sslcrl sslcrldir sslkeylogfile ssl_min_protocol_version ssl_max_protocol_version " +
			"statement_cache_size stringtype supa tcpkeepalive workaround",
	} {
		for name := range strings.FieldsSeq(names) {
			all[name] = advice
		}
	}
	for name := range strings.FieldsSeq("host port user password dbname database sslmode sslrootcert sslcert sslkey passfile service") {
		all[name] = "write " + name + "=" // in other letters
	}
	return all
}()

var plainValue = regexp.MustCompile(`^[a-z_][a-z0-9_$]{0,62}(,[a-z_][a-z0-9_$]{0,62})*$`)

// insteadOf is what to write for a parameter of another client; empty if it is not known.
func insteadOf(name, value string) string {
	advice := instead[strings.ToLower(name)]
	if advice == "write search_path=" && plainValue.MatchString(value) {
		advice += value
	}
	return strings.TrimSuffix(advice, "=")
}
