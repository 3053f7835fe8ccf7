package reload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// Permissions are the rules of the file of --permissions as it last was without faults, and the databases of the
// roles that have a login of their own. The zero value has no rules.
type Permissions struct {
	settings *config.Config
	log      *slog.Logger
	rules    atomic.Pointer[guard.Rules]
	names    []string // of the databases, where there are several

	reading sync.Mutex // held while the file is read again
	text    []byte     // of the file that was last read, with faults or without

	mu        sync.Mutex
	databases map[string]*postgres.DB // by the environment variable that a role names
}

// ReadRules reads a file of permissions. It returns its text too, if there is one.
func ReadRules(path string) (rules *guard.Rules, text []byte, err error) {
	if text, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("--permissions (MCP_PERMISSIONS_FILE): %w", err)
	}
	if rules, err = guard.Parse(path, text); err != nil {
		return nil, text, fmt.Errorf("reading the permissions:\n%w", err)
	}
	return rules, text, nil
}

// OpenPermissions reads the file that the settings name, if they name one, and opens the databases of its roles. Their
// connections are made when they are wanted. databases are the names of several. Close closes them.
func OpenPermissions(ctx context.Context, c *config.Config, databases []string, log *slog.Logger) (*Permissions,
	error) {
	p := &Permissions{settings: c, names: databases, log: log, databases: map[string]*postgres.DB{}}
	if c.Permissions == "" {
		return p, nil
	}
	rules, text, err := ReadRules(c.Permissions)
	if err != nil {
		return nil, err
	}
	p.text = text
	if err := p.checkDatabases(rules); err != nil {
		return nil, err
	}
	if err := p.openDatabases(ctx, rules); err != nil {
		p.Close()
		return nil, err
	}
	p.rules.Store(rules)
	return p, nil
}

// CheckConnections returns an error if the connection of a role is not set.
func (p *Permissions) CheckConnections() error { return checkConnections(p.Rules()) }

func checkConnections(rules *guard.Rules) error {
	if rules == nil {
		return nil
	}
	if err := rules.CheckConnections(os.LookupEnv); err != nil {
		return fmt.Errorf("reading the permissions:\n%w", err)
	}
	return nil
}

// SetDatabases replaces the databases that roles may name: those in the file of databases. The permissions are read
// again, as they may have been changed for these. The error is that of rules that name others, which stay.
func (p *Permissions) SetDatabases(ctx context.Context, names []string, served *registry.Databases,
	m *observe.Metrics) error {
	p.reading.Lock()
	p.names, p.text = names, nil
	p.reading.Unlock()
	p.reload(ctx, served, m)
	if rules := p.Rules(); rules != nil {
		if err := rules.CheckDatabases(names); err != nil {
			return fmt.Errorf("the permissions name other databases:\n%w", err)
		}
	}
	return nil
}

func (p *Permissions) checkDatabases(rules *guard.Rules) error {
	if err := rules.CheckDatabases(p.names); err != nil {
		return fmt.Errorf("reading the permissions:\n%w", err)
	}
	return nil
}

// openDatabases opens those that are not open yet. What is open stays open: calls may be using it.
func (p *Permissions) openDatabases(ctx context.Context, rules *guard.Rules) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, role := range rules.Logins() {
		if p.databases[role.Connection] != nil {
			continue
		}
		db, err := postgres.Open(ctx, postgres.Config{
			URL: os.Getenv(role.Connection), MinConns: -1, MaxConns: p.settings.PoolMax,
			IdleTime: p.settings.Idle(), Timeout: p.settings.Timeout(), Logger: p.log})
		if err != nil {
			return fmt.Errorf("%s, the connection of role %s: %w", role.Connection, role.Name, err)
		}
		p.databases[role.Connection] = db
	}
	return nil
}

// Rules are nil without permissions.
func (p *Permissions) Rules() *guard.Rules { return p.rules.Load() }

// RulesIn are the rules as they are in a database.
func (p *Permissions) RulesIn(d config.Database) *guard.Rules { return p.Rules().In(d.Name, d.Main) }

// Current is where the rules in use are; those that follow them will be there, too.
func (p *Permissions) Current() *atomic.Pointer[guard.Rules] { return &p.rules }

// Databases are those of roles with a login of their own, by the environment variable that has its connection string.
func (p *Permissions) Databases() map[string]*postgres.DB {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.databases)
}

// RoleDBs are Databases as a registry takes them.
func (p *Permissions) RoleDBs() map[string]registry.Database {
	all := map[string]registry.Database{}
	for name, db := range p.Databases() {
		all[name] = db
	}
	return all
}

// Close closes the databases.
func (p *Permissions) Close() {
	for _, db := range p.Databases() {
		db.Close()
	}
}

// reload reads the file again, for the calls that begin from now on. With faults the rules stay as they are.
func (p *Permissions) reload(ctx context.Context, served *registry.Databases, m *observe.Metrics) {
	p.reading.Lock()
	defer p.reading.Unlock()
	if p.Rules() == nil {
		return
	}
	rules, text, err := ReadRules(p.settings.Permissions)
	if text != nil && bytes.Equal(text, p.text) {
		return
	}
	if p.text = text; err == nil {
		err = errors.Join(checkConnections(rules), p.checkDatabases(rules))
	}
	if err == nil {
		err = p.openDatabases(ctx, rules)
	}
	m.PermissionsReload(err)
	if err != nil {
		p.log.Error("permissions not reloaded: the rules stay as they are", "error", err)
		return
	}
	served.SetRoleDBs(p.RoleDBs()) // before a caller has the role
	p.rules.Store(rules)
	served.RulesChanged()
	p.ShowPools(m)
	p.log.Info("permissions reloaded", "roles", len(rules.Roles))
}

// ShowPools has the metrics count the connections of roles.
func (p *Permissions) ShowPools(m *observe.Metrics) {
	rules := p.Rules()
	if rules == nil {
		return
	}
	pools, databases := map[string]observe.Pool{}, p.Databases()
	for _, role := range rules.Logins() {
		if db := databases[role.Connection]; db != nil {
			pools["role "+role.Name] = db
		}
	}
	m.SetPools("roles", pools)
}
