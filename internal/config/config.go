// Package config turns flags and environment variables into a Config. Flags win over the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// Config holds every setting. The tags are the reference: --help and the table of settings are generated from them. A
// setting with the tag unfilled gets that value instead of its default when a client passes it empty.
type Config struct {
	Conn string `help:"Connection string of the database: a URL or key=value pairs. Without it the server starts, and every tool says that it is missing." env:"DATABASE_URL,POSTGRES_CONNECTION_STRING" placeholder:"URL"`
	Demo bool   `help:"Start a throw-away PostgreSQL with sample data instead of using --conn; it is removed at exit."`

	PasswordCommand string        `help:"Command that writes the password of --conn to its standard output, asked when connections are made: words, or a JSON array of them. No shell reads it." name:"password-command" env:"MCP_PASSWORD_COMMAND" placeholder:"COMMAND"`
	PasswordFile    string        `help:"File with the password of --conn in its first line, read for each connection." name:"password-file" env:"MCP_PASSWORD_FILE" placeholder:"FILE"`
	PasswordKeep    time.Duration `help:"Time for which a password of --password-command is used for other connections; one that the database refuses is asked for anew." name:"password-keep" env:"MCP_PASSWORD_KEEP" default:"10m" placeholder:"TIME"`

	Databases string `help:"File that names several databases, instead of --conn." env:"MCP_DATABASES_FILE" placeholder:"FILE"`
	Database  string `help:"Of several databases the one that check, test, notes, doctor, grants, tools and call work on. Default: the default one." placeholder:"NAME"`

	Tools    []string `help:"Folder of your own tool files; repeatable. A tool there replaces a built-in one of the same name." env:"MCP_TOOLS_DIR" placeholder:"DIR" name:"tools" sep:","`
	Toolsets []string `help:"Toolsets to offer. Default: explore and the toolsets of --tools." env:"MCP_TOOLSETS" placeholder:"NAME"`
	Enable   []string `help:"Tool to offer in addition, whatever its toolset; repeatable." env:"MCP_TOOLS_ENABLE" placeholder:"NAME" name:"enable" sep:","`
	Disable  []string `help:"Tool to leave out, query and server_info included; repeatable." env:"MCP_TOOLS_DISABLE" placeholder:"NAME" name:"disable" sep:","`

	ReadOnly    bool  `help:"Allow no change: everything runs in READ ONLY transactions that are rolled back, and tools that write are left out." name:"read-only" env:"POSTGRES_READONLY" unfilled:"true"`
	TimeoutMS   int64 `help:"Time limit of a call, in milliseconds." name:"statement-timeout-ms" env:"POSTGRES_STATEMENT_TIMEOUT_MS" default:"30000" placeholder:"MS"`
	MaxAffected int   `help:"Maximum number of rows that one call may change: more are undone. 0 is no limit." name:"max-affected" env:"MCP_MAX_AFFECTED" default:"0" placeholder:"N"`
	MaxRows     int   `help:"Maximum number of rows in an answer without pages." name:"max-rows" env:"MCP_MAX_ROWS" default:"1000" placeholder:"N"`
	MaxBytes    int   `help:"Maximum number of bytes in the message that carries an answer." name:"max-bytes" env:"MCP_MAX_BYTES" default:"1000000" placeholder:"N"`
	MaxReply    int   `help:"Characters of an answer of query in Markdown, about what hosts show: long values, and rows that no row_limit asked for, are cut." name:"max-reply-chars" env:"MCP_MAX_REPLY_CHARS" default:"25000" placeholder:"N"`
	MaxSQL      int   `help:"Maximum number of bytes in the SQL of query." name:"max-sql-bytes" env:"MCP_MAX_SQL_BYTES" default:"32768" placeholder:"N"`
	PoolMin     int   `help:"Minimum number of connections kept open. With 0 one is made at the start, and closed as --pool-idle says." name:"pool-min" env:"MCP_POOL_MIN" default:"0" placeholder:"N"`
	PoolMax     int   `help:"Maximum number of connections, and of calls that run at once." name:"pool-max" env:"MCP_POOL_MAX" default:"10" placeholder:"N"`

	PoolIdle time.Duration `help:"Time without use after which a connection is closed, unless --pool-min keeps it; 0 is never." name:"pool-idle" env:"MCP_POOL_IDLE" default:"5m" placeholder:"TIME"`

	Transport string `help:"How clients connect: ${enum}." env:"MCP_TRANSPORT" enum:"stdio,streamable-http,sse" default:"stdio"`
	HTTP      `embed:""`
	Auth      `embed:""`

	Audit    string `help:"File that gets a line of JSON for each call, or stderr." name:"audit" env:"MCP_AUDIT" placeholder:"FILE"`
	AuditSQL bool   `help:"Write the SQL and the arguments of each call to --audit too." name:"audit-sql" env:"MCP_AUDIT_SQL"`

	LogFormat string `help:"Format of the log on stderr: ${enum}." name:"log-format" env:"MCP_LOG_FORMAT" enum:"text,json" default:"text"`
	LogLevel  string `help:"Lowest level to log: ${enum}." name:"log-level" env:"MCP_LOG_LEVEL" enum:"debug,info,warn,error" default:"info"`
}

// Serve holds the settings that only the command serve has.
type Serve struct {
	Strict bool `help:"Do not start while doctor finds a danger in the rights of the server's logins." env:"MCP_STRICT"`
}

// Validate checks ranges and combinations, which the types of the fields can't.
func (c *Config) Validate() error {
	var faults []error
	if c.TimeoutMS < 1 || c.TimeoutMS > 24*3600*1000 {
		faults = append(faults, fmt.Errorf("--statement-timeout-ms (POSTGRES_STATEMENT_TIMEOUT_MS) is %d: want 1 to 86400000",
			c.TimeoutMS))
	}
	faults = append(faults, within("--max-sql-bytes (MCP_MAX_SQL_BYTES)", c.MaxSQL, 1024, maxSQL),
		within("--max-rows (MCP_MAX_ROWS)", c.MaxRows, 1, mostRows),
		within("--max-affected (MCP_MAX_AFFECTED)", c.MaxAffected, 0, mostAffected),
		within("--max-bytes (MCP_MAX_BYTES)", c.MaxBytes, leastBytes, mostBytes),
		within("--max-reply-chars (MCP_MAX_REPLY_CHARS)", c.MaxReply, 1000, 64<<20),
		within("--pool-max (MCP_POOL_MAX)", c.PoolMax, 1, mostPool), within("--pool-min (MCP_POOL_MIN)", c.PoolMin, 0,
			mostPool))
	faults = append(append(faults, c.HTTP.validate()...), c.Auth.validate()...)
	if c.PoolMin > c.PoolMax {
		faults = append(faults, fmt.Errorf("--pool-min (MCP_POOL_MIN) is %d: want at most --pool-max (MCP_POOL_MAX), %d",
			c.PoolMin, c.PoolMax))
	}
	if c.PoolIdle != 0 && (c.PoolIdle < time.Second || c.PoolIdle > 24*time.Hour) {
		faults = append(faults, fmt.Errorf("--pool-idle (MCP_POOL_IDLE) is %v: want 0, or 1s to 24h", c.PoolIdle))
	}
	faults = append(faults, c.checkDatabases(), c.checkPassword())
	if c.AuditSQL && c.Audit == "" {
		faults = append(faults, errors.New("--audit-sql (MCP_AUDIT_SQL) is set without --audit (MCP_AUDIT): no call would "+
			"be written; set --audit too, or unset it"))
	}
	return errors.Join(faults...)
}

// The bounds of settings that a database of --databases can have for itself.
const (
	mostRows     = 100_000
	mostAffected = 1_000_000_000
	leastBytes   = 1024
	mostBytes    = 64 << 20
	mostPool     = 1000
)

// maxSQL is the limit of sqlscan: longer SQL could overflow the parser's stack.
const maxSQL = 128 << 10

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s is %d: want %d to %d", name, n, least, most)
	}
	return nil
}

// Timeout returns the time limit of a call.
func (c *Config) Timeout() time.Duration { return time.Duration(c.TimeoutMS) * time.Millisecond }

// Level returns the log level.
func (c *Config) Level() slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(c.LogLevel)) != nil {
		return slog.LevelInfo
	}
	return l
}

// UnsetEmpty removes the variables of settings that are empty, as many MCP clients pass them, and variables whose
// placeholder a desktop host left unfilled. Both mean the default. It returns their names.
func UnsetEmpty(flags []*kong.Flag) (names []string, err error) {
	closed := map[string]string{}
	for _, f := range flags {
		for _, name := range f.Envs {
			closed[name] = f.Tag.Get("unfilled")
			if v, ok := os.LookupEnv(name); ok && v == "" {
				names = append(names, name)
			}
		}
	}
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); unfilled(value) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if value := closed[name]; value != "" {
			err = os.Setenv(name, value)
		} else {
			err = os.Unsetenv(name)
		}
		if err != nil {
			return nil, fmt.Errorf("unsetting %s: %w", name, err)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Filled leaves out of a command line what a desktop host left unfilled, with the flag that it is the value of. It
// gives the names of the flags.
func Filled(args []string, flags []*kong.Flag) (filled, names []string) {
	closed := func(flag string) bool {
		return slices.ContainsFunc(flags, func(f *kong.Flag) bool { return "--"+f.Name == flag && f.Tag.Has("unfilled") })
	}
	for _, arg := range args {
		name, value, valued := strings.Cut(arg, "=")
		before := ""
		if n := len(filled); n > 0 && strings.HasPrefix(filled[n-1], "-") && !strings.Contains(filled[n-1], "=") {
			before = filled[n-1]
		}
		switch {
		case valued && closed(name) && (value == "" || unfilled(value)):
			filled, names = append(filled, name), append(names, name)
		case closed(before) && (arg == "" || unfilled(arg)):
			names = append(names, before)
		case unfilled(arg) && before != "":
			filled, names = filled[:len(filled)-1], append(names, before)
		case valued && strings.HasPrefix(name, "-") && unfilled(value):
			names = append(names, name)
		case !unfilled(arg):
			filled = append(filled, arg)
		}
	}
	return filled, names
}

// unfilled reports a placeholder of a desktop host for a value that its user did not give.
func unfilled(value string) bool {
	value = strings.TrimSpace(value)
	return strings.HasPrefix(value, "${user_config.") && strings.IndexByte(value, '}') == len(value)-1
}
