package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"mcp-postgres/internal/faults"
)

// Database is one of the databases that the server has.
type Database struct {
	// Name is empty where there is but the one of --conn or --demo.
	Name        string
	Description string
	// Names are those of all databases.
	Names []string
	// Main says that it is the default one.
	Main bool
	// Settings are those of the server, with what the file of --databases has for this database.
	Settings *Config
}

// demoName is the name of --demo among several databases.
const demoName = "demo"

const (
	maxDatabasesFile = 1 << 20
	maxDatabases     = 100
)

var (
	databaseName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// AllDatabases are the databases that the settings name, the default one first. The error is faults.List for what is
// wrong in the file.
func (c *Config) AllDatabases() ([]Database, error) {
	if c.Databases == "" {
		return []Database{{Main: true, Settings: c}}, nil
	}
	text, err := os.ReadFile(c.Databases)
	if err != nil {
		return nil, fmt.Errorf("--databases (MCP_DATABASES_FILE): %w", err)
	}
	all, err := c.parseDatabases(text)
	if err != nil {
		return nil, fmt.Errorf("reading the databases:\n%w", err)
	}
	return all, nil
}

// OneDatabase is the one of --database, or the default one.
func (c *Config) OneDatabase() (Database, error) {
	all, err := c.AllDatabases()
	if err != nil {
		return Database{}, err
	}
	var names []string
	for _, d := range all {
		if c.Database == "" || d.Name == c.Database {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if c.Databases == "" {
		return Database{}, fmt.Errorf("--database names %q: want it only with --databases FILE", c.Database)
	}
	return Database{}, fmt.Errorf("--database names %q%s", c.Database, faults.Suggest(c.Database, names))
}

func (c *Config) parseDatabases(text []byte) ([]Database, error) {
	p := &databasesFile{File: faults.NewFile(c.Databases, string(text)), settings: c}
	if root := p.Document(maxDatabasesFile, "databases"); root != nil {
		p.read(root)
	}
	return p.all, p.Err()
}

// databasesFile reads the file of --databases.
type databasesFile struct {
	*faults.File
	settings *Config
	all      []Database
}

func (p *databasesFile) read(root *yaml.Node) {
	m, _ := p.Mapping(root, "the file", "databases", "default")
	entries, ok := p.Entries(m.Values["databases"], "databases", "names of databases with their settings")
	if !m.Has("databases") || ok && len(entries) == 0 {
		p.AddNode(root, "databases is missing: want at least one")
	}
	if len(entries) > maxDatabases {
		p.AddNode(root, "there are %d databases: want at most %d", len(entries), maxDatabases)
	}
	if p.settings.Demo {
		own := *p.settings
		p.all = append(p.all, Database{Name: demoName, Description: "Sample data: a web shop that does not exist.",
			Settings: &own})
	}
	for _, e := range entries {
		p.all = append(p.all, p.database(e))
	}
	p.chooseDefault(m)
}

// password reads where the password comes from.
func (p *databasesFile) password(m faults.Mapping, own *Config) {
	own.PasswordCommand, own.PasswordFile = "", m.Text("password_file")
	var words []string
	for _, n := range m.Items("password_command") {
		words = append(words, p.TextOf(n, "password_command"))
	}
	if words != nil {
		text, err := json.Marshal(words)
		if err != nil {
			p.AddNode(m.Values["password_command"], "password_command: %v", err)
		}
		own.PasswordCommand = string(text)
	}
	own.PasswordKeep = cmp.Or(m.Duration("password_keep"), own.PasswordKeep)
	if m.Has("password_command") && m.Has("password_file") {
		p.AddNode(m.Node, "password_command and password_file are both there: want one of them")
	}
}

// chooseDefault puts the default database first. Of several the file must name it.
func (p *databasesFile) chooseDefault(m faults.Mapping) {
	var names []string
	for _, d := range p.all {
		names = append(names, d.Name)
	}
	name := m.Text("default")
	i := slices.Index(names, name)
	switch n := m.Values["default"]; {
	case n == nil && len(names) > 1:
		p.AddNode(m.Node, "default is missing: want the name of the database that is meant when a call names none")
	case n != nil && i < 0 && name != "":
		p.AddNode(n, "default %q is none of the databases%s", name, faults.Suggest(name, names))
	case i > 0:
		main := p.all[i]
		p.all = slices.Insert(slices.Delete(p.all, i, i+1), 0, main)
	}
	for i := range p.all {
		p.all[i].Main, p.all[i].Names = i == 0, names
	}
}

func (p *databasesFile) database(e faults.Entry) Database {
	own := *p.settings
	own.Demo, own.Conn, own.Databases = false, "", ""
	d := Database{Name: e.Key.Value, Settings: &own}
	what := fmt.Sprintf("database %.60q", d.Name)
	switch {
	case !databaseName.MatchString(d.Name):
		p.AddNode(e.Key, "%s: want a name of lowercase letters, digits, _ and -, of at most 40 characters, "+
			"that begins with a letter", what)
	case d.Name == demoName && p.settings.Demo:
		p.AddNode(e.Key, "%s is the name of the one that --demo brings: want another name", what)
	}
	m, _ := p.Mapping(e.Value, what, "url", "url_env", "password_command", "password_file", "password_keep",
		"description", "read_only", "toolsets", "limits", "pool")
	d.Description = m.Prose("description")
	own.Conn = p.url(e, m)
	p.password(m, &own)
	own.ReadOnly = m.Flag("read_only", false) || own.ReadOnly
	if m.Has("toolsets") {
		own.Toolsets = m.Names("toolsets")
	}
	p.limits(m, &own)
	p.pool(m, &own)
	return d
}

func (p *databasesFile) limits(m faults.Mapping, own *Config) {
	if !m.Has("limits") {
		return
	}
	l, _ := p.Mapping(m.Values["limits"], "limits", "timeout", "rows", "bytes")
	own.TimeoutMS = cmp.Or(l.Duration("timeout").Milliseconds(), own.TimeoutMS)
	own.MaxRows = cmp.Or(p.number(l, "rows", 1, mostRows), own.MaxRows)
	own.MaxBytes = cmp.Or(p.number(l, "bytes", leastBytes, mostBytes), own.MaxBytes)
}

// number reads a number within bounds; 0 is an absent or wrong one.
func (p *databasesFile) number(m faults.Mapping, key string, least, most int) int {
	n := m.Number(key)
	if n != 0 && (n < least || n > most) {
		p.AddNode(m.Values[key], "%s is %d: want %d to %d", key, n, least, most)
	}
	return n
}

// url is the connection string, written there or in an environment variable. It is shown in no message.
func (p *databasesFile) url(e faults.Entry, m faults.Mapping) string {
	n := m.Values["url_env"]
	name := m.Text("url_env")
	switch {
	case m.Has("url") == m.Has("url_env"):
		p.AddNode(e.Key, "want either url, a connection string, or url_env, the name of an environment variable with one")
	case name == "":
		return m.Text("url")
	case !variableName.MatchString(name):
		p.AddNode(n, "url_env holds something else than a name: want the NAME of an environment variable")
	case os.Getenv(name) == "":
		p.AddNode(n, "url_env %s: the environment variable is not set: want a connection string", name)
	}
	return os.Getenv(name)
}

func (p *databasesFile) pool(m faults.Mapping, own *Config) {
	if !m.Has("pool") {
		return
	}
	pool, _ := p.Mapping(m.Values["pool"], "pool", "min", "max", "idle")
	if low := pool.Count("min", 0); low != nil {
		own.PoolMin = *low
	}
	own.PoolMax = cmp.Or(p.number(pool, "max", 1, mostPool), own.PoolMax)
	if own.PoolMin > own.PoolMax {
		p.AddNode(pool.Node, "pool has min %d and max %d: want min to be at most max", own.PoolMin, own.PoolMax)
	}
	own.PoolIdle = cmp.Or(pool.Duration("idle"), own.PoolIdle)
}

// checkDatabases refuses settings that contradict --databases.
func (c *Config) checkDatabases() error {
	if c.Databases != "" && c.Conn != "" {
		return errors.New("--databases (MCP_DATABASES_FILE) and --conn (DATABASE_URL) are both set: want one of them; " +
			"url or url_env of the file names each database")
	}
	return nil
}

// Same reports whether a database can stay open with the settings of the other.
func (d Database) Same(other Database) bool {
	return d.Name == other.Name && reflect.DeepEqual(d.Settings, other.Settings)
}

// Slots is how many calls run at once in the database.
func (d Database) Slots() int { return d.Settings.PoolMax }

// Idle is the time after which connections are closed; -1 is never.
func (c *Config) Idle() time.Duration { return cmp.Or(c.PoolIdle, -1) }
