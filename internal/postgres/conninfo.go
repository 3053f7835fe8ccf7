package postgres

import (
	"cmp"
	"context"
	_ "embed" // foreign.txt, settings.txt
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"mcp-postgres/internal/pgtext"
)

// What to write, for who wrote something else. No message about a connection string repeats a part of it but the names
// of parameters that look like names.
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

// connInfo is a connection string as it is understood.
type connInfo struct {
	*pgconn.Config // that of pool
	pool           *pgxpool.Config
	pooler         bool     // it says that there is a pooler
	address        string   // of the host, so that nobody needs to look it up
	most           int      // connections that it allows; zero if it says nothing of them
	notes          []string // what became of the parameters of other programs
}

// parseConnInfo reads a connection string with the driver, which takes what it does not understand for key=value pairs,
// and each key that it does not know for a setting of the session. Those of libpq and of other programs are understood
// as far as their meaning is plain.
func parseConnInfo(text string) (*connInfo, error) {
	c := &connInfo{}
	text, err := c.tidy(text)
	if err != nil {
		return nil, err
	}
	if err = c.parse(text); err != nil {
		return nil, err
	}
	secret := strings.Contains(text, "password=")
	more, session := c.takeForeign(text), c.RuntimeParams
	if len(more) > 0 {
		if err = c.parse(with(text, more)); err != nil {
			return nil, err
		}
		c.RuntimeParams = session
	}
	if err := checkPlaces(c.Config); err != nil {
		return nil, err
	}
	if err := checkParameters(c.RuntimeParams, secret); err != nil {
		return nil, err
	}
	if c.address != "" {
		c.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.address}, nil }
	}
	pinSession(c.Config)
	c.MaxProtocolMessageBodyLen = maxMessage
	if c.ConnectTimeout == 0 || c.ConnectTimeout > time.Minute {
		c.ConnectTimeout = connectTimeout
	}
	return c, nil
}

func (c *connInfo) parse(text string) error {
	conf, err := pgxpool.ParseConfig(text)
	for _, dir := range []string{os.Getenv("PGSYSCONFDIR"), "/etc/postgresql-common", "/etc/sysconfig/pgsql"} {
		if err == nil || !strings.Contains(err.Error(), noService) {
			break
		}
		conf, err = pgxpool.ParseConfig(with(text, map[string]string{"servicefile": filepath.Join(dir, "pg_service.conf")}))
	}
	switch {
	case err != nil:
		return parseError(err)
	case conf.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol:
		return connFault("default_query_exec_mode=%s", foreignByName["prefer_simple_protocol"].advice)
	}
	c.pool, c.Config = conf, &conf.ConnConfig.Config
	return nil
}

// noService is the driver's text for a service that is not in the user's file; like libpq we look into the system's
// then.
const noService = "failed to read service"

// with adds parameters to a connection string, where the last one counts.
func with(text string, params map[string]string) string {
	if place, query, ok := strings.Cut(text, "?"); isURL(text) {
		added := url.Values{}
		for name, value := range params {
			added.Set(name, value)
		}
		if ok && query != "" {
			place += "?" + query + "&"
		} else {
			place += "?"
		}
		return place + strings.ReplaceAll(added.Encode(), "+", "%20")
	}
	for name, value := range params {
		text += " " + name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	}
	return text
}

func isURL(text string) bool { return strings.HasPrefix(text, "postgres://") }

//go:embed foreign.txt
var foreignText string

// foreignParam says what parameters mean, as foreign.txt describes it.
type foreignParam struct{ values, target, advice string }

const (
	ignored = "" // a target that is none
	refused = "-"
)

var foreignByName = func() map[string]foreignParam {
	all := map[string]foreignParam{}
	for name := range strings.FieldsSeq("host port user password dbname database sslmode sslrootcert sslcert sslkey " +
		"passfile service") {
		all[name] = foreignParam{target: refused, advice: "write " + name + "="} // in other letters
	}
	for line := range strings.Lines(foreignText) {
		fields := strings.Split(strings.TrimSpace(line), " |")
		for name := range strings.FieldsSeq(fields[0]) {
			if len(fields) == 4 && line[0] != '#' {
				all[name] = foreignParam{strings.TrimSpace(fields[1]), strings.TrimSpace(fields[2]), strings.TrimSpace(fields[3])}
			}
		}
	}
	return all
}()

// value is what a value means here; an empty one means nothing.
func (f foreignParam) value(value string) (meant string, ok bool) {
	if f.target == refused {
		return "", false
	}
	for word := range strings.FieldsSeq(f.values) {
		word, meant, mapped := strings.Cut(word, "=")
		if strings.EqualFold(word, value) {
			return cmp.Or(meant, map[bool]string{false: word}[mapped]), true
		}
	}
	return value, f.values == ""
}

// takeForeign takes the parameters that are understood out of those of the session, the environment's with them.
func (c *connInfo) takeForeign(text string) (more map[string]string) {
	for _, name := range []string{"PGREQUIRESSL", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION", "PGHOSTADDR",
		"PGGEQO", "PGGSSENCMODE", "PGSSLCRL",
		"PGSSLCRLDIR", "PGREQUIREPEER"} {
		if value := os.Getenv(name); value != "" {
			c.RuntimeParams[name] = value
		}
	}
	more = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.RuntimeParams)) {
		f, known := foreignByName[strings.ToLower(name)]
		value, ok := f.value(c.RuntimeParams[name])
		if !known || !ok || !c.understood(name, f.target, value, text, more) {
			continue
		}
		delete(c.RuntimeParams, name)
		as := "ignored"
		if value != "" && f.target != ignored {
			as = "read as " + f.target
		}
		c.notes = append(c.notes, name+" ("+as+")")
	}
	return more
}

// understood puts a parameter where it belongs: into the session, into more for another parsing of text, or into c.
func (c *connInfo) understood(name, target, value, text string, more map[string]string) bool {
	_, given := c.RuntimeParams[target]
	given = given || regexp.MustCompile(`[?&\s]`+target+`\s*=`).MatchString(" "+text)
	switch target {
	case ignored:
	case "search_path":
		// the name of one, as it is
		if _, err := quotedNames(value); err != nil || name == "schema" && !plainValue.MatchString(value) {
			value = pgtext.Identifier(value)
		}
		fallthrough
	case "application_name", "geqo":
		if !given {
			c.RuntimeParams[target] = value
		}
	case "--pool-max":
		n, err := strconv.Atoi(value)
		c.most = n
		return err == nil && n > 0
	case "pooler":
		c.pooler = value != ""
	case "hostaddr":
		if network, _ := pgconn.NetworkAddress(c.Host, c.Port); network != "tcp" {
			more["host"] = value
		}
		c.address = value
		return net.ParseIP(value) != nil && !strings.Contains(text, ",")
	default:
		if value != "" && (!given || name == "sslaccept" && c.TLSConfig != nil) {
			more[target] = value
		}
	}
	return true
}

// User is the login of a connection string; empty if it is not known.
func User(url string) string {
	if url == "" {
		return ""
	}
	c, err := parseConnInfo(url)
	if err != nil {
		return ""
	}
	return c.User
}

// urlStart is the scheme of a URL, and pairStart the name of the first pair; other programs put semicolons between
// pairs.
var (
	urlStart   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.:-]*)://`)
	pairStart  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*\s*=`)
	semicolons = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_ ]*=[^'\s;]*;\s*[A-Za-z][A-Za-z0-9_ ]*=`)
)

// otherSchemes are what other programs call PostgreSQL in a URL, with the names of their drivers.
var otherSchemes = regexp.MustCompile(`^(?i)(jdbc:)?(postgres|postgresql|pgsql|postgis|ecto)(\+[a-z0-9_]+)?$`)

// otherModes are the values of sslmode that other programs have, or write in other letters.
var otherModes = regexp.MustCompile(
	`(?i)([?&]sslmode=)(no-verify|disable|allow|prefer|require|verify-ca|verify-full)(&|$)`)

// tidy drops what is left around a connection string by shells and files, and refuses what is none.
func (c *connInfo) tidy(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := len(text); n > 1 && strings.IndexByte("\"'`", text[0]) >= 0 && text[n-1] == text[0] {
		text = strings.TrimSpace(text[1 : n-1])
	}
	before, rest, slashes := strings.Cut(text, "://")
	switch start := urlStart.FindStringSubmatch(text); {
	case text == "":
		return "", connFault("it is blank: %s", wantString)
	case start != nil && otherSchemes.MatchString(start[1]):
		if len(start[1]) != len("postgres") && len(start[1]) != len("postgresql") {
			c.notes = append(c.notes, "the scheme (read as postgresql)")
		}
		rest = otherModes.ReplaceAllStringFunc(rest, func(mode string) string {
			known := strings.Replace(strings.ToLower(mode), "no-verify", "require", 1)
			if len(known) != len(mode) {
				c.notes = append(c.notes, "sslmode=no-verify (read as require)")
			}
			return known
		})
		return "postgres://" + rest, checkURL(rest)
	case start != nil:
		return "", connFault("it begins neither with postgres:// nor with postgresql://, the schemes of PostgreSQL itself "+
			"(names of drivers and of other programs do not belong there): %s", wantString)
	case text[0] == '$':
		return "", connFault("it is a placeholder that nothing has filled in: %s", wantString)
	case slashes && pairStart.MatchString(text) && strings.Count(before, "=") == 1 && !strings.HasPrefix(text, "password"):
		return "", connFault("a URL stands after a name and an =: write the URL alone, like %s", wantURL)
	case semicolons.MatchString(text):
		return "", connFault("the pairs are separated by semicolons: want blanks, as in host=db.example.com user=app " +
			"dbname=shop")
	case !pairStart.MatchString(text):
		return "", connFault("%s", wantString)
	}
	return text, nil
}

// checkURL refuses a URL that can be split in more than one way. A @ ends user and password only before the first
// slash, as in libpq.
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

// valueFaults are the driver's texts for values that it refuses, with what was wanted.
var valueFaults = []struct{ text, want string }{
	{"sslmode is invalid", "sslmode is not one of disable, allow, prefer, require, verify-ca and verify-full, in small " +
		"letters (what other clients call no-verify is require)"},
	{"invalid port", "the port is not a number from 1 to 65535: " + wantString},
	{"could not match", "there are neither as many ports as hosts nor one for all"},
	{"invalid sslcertmode", "sslcertmode is not one of disable, allow and require"},
	{"invalid connect_timeout", "connect_timeout is not a number of seconds"},
	{"unknown target_session_attrs",
		"target_session_attrs is not one of any, read-write, read-only, primary, standby and prefer-standby"},
	{"protocol_version", "min_protocol_version and max_protocol_version are not 3.0, 3.2 or latest, the least first"},
	{"unknown channel_binding", "channel_binding is not one of disable, prefer and require"},
	{"invalid require_auth", "require_auth names a method that is not known, or is wrongly put together"},
	{noService, "the service is not in the service file, or that can't be read"},
	{"failed to parse as URL", wantCoded},
}

// parseError is the error for a string that the driver refuses. Its own text quotes the connection string, so none of
// it is passed on.
func parseError(err error) error {
	if fault := fileFault(err); fault != nil {
		return fault
	}
	text := err.Error()
	reason := text[strings.LastIndex(text, "`: ")+1:]
	for _, f := range valueFaults {
		if strings.Contains(reason, f.text) {
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

// checkParameters refuses what is neither a parameter of the connection nor a setting of a session, all in one
// sentence. A word that may be the rest of a password which was given as a parameter is not repeated.
func checkParameters(params map[string]string, secret bool) error {
	var named []string
	unnamed, last := 0, ""
	for key := range params {
		switch {
		case isSetting(key):
		case foreignByName[strings.ToLower(key)].advice != "":
			named = append(named, key+" ("+strings.TrimSuffix(foreignByName[strings.ToLower(key)].advice, "=")+")")
		case secret || !plainWord.MatchString(key):
			unnamed++
		default:
			named = append(named, key)
			last = "; a setting that only your database knows goes into options='-c name=value', in a URL " +
				"options=-c%20name%3Dvalue"
		}
	}
	slices.Sort(named)
	if unnamed > 0 {
		named = append(named, fmt.Sprintf("%d not repeated here, for they may be a part of a password (%s)", unnamed, coded))
	}
	if named == nil {
		return nil
	}
	return connFault("parameters that can't be used: %s%s", strings.Join(named, ", "), last)
}

// sessionSettings are what a start-up packet may set in PostgreSQL 14 to 18 and in Debian's, in small letters, one a
// line: those of pg_settings whose context is user, superuser, backend or superuser-backend.
//
//go:embed settings.txt
var sessionSettings string

var knownSettings = func() map[string]bool {
	known := map[string]bool{"options": true}
	for _, name := range strings.Fields(sessionSettings) {
		known[name] = true
	}
	return known
}()

var dotted = regexp.MustCompile(`^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$`)

// isSetting reports whether a parameter that is none of the connection may be a setting of the session. A name with a
// dot is one of an extension; only the database knows those.
func isSetting(name string) bool {
	name = strings.ToLower(name)
	return knownSettings[name] || dotted.MatchString(name)
}

var plainValue = regexp.MustCompile(`^[a-z_][a-z0-9_$]{0,62}(,[a-z_][a-z0-9_$]{0,62})*$`)

const dateStyle = "ISO, YMD"

// pinSession fixes the settings that change how values are written, so that answers don't depend on the server's. The
// connection string may choose the time zone, the application's name and jit, which costs short statements more than it
// saves.
func pinSession(c *pgconn.Config) {
	given := make(map[string]string, len(c.RuntimeParams))
	for k, v := range c.RuntimeParams {
		given[strings.ToLower(k)] = v
	}
	options, _ := parseOptions(given["options"])
	for k, v := range map[string]string{"timezone": "UTC", "application_name": "mcp-postgres", "jit": "off"} {
		_, ok := given[k]
		if _, option := options[k]; !ok && !option {
			given[k] = v
		}
	}
	maps.Copy(given, map[string]string{
		"datestyle": dateStyle, "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1",
		"standard_conforming_strings": "on", "client_encoding": "UTF8", "plan_cache_mode": "auto",
	})
	c.RuntimeParams = given
}
