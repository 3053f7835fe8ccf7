package reload

import (
	"bytes"
	"cmp"
	"context"
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
	text     []byte // of the file that was last read, with faults or without

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
// connections are made when they are wanted. Close closes them.
func OpenPermissions(ctx context.Context, c *config.Config, log *slog.Logger) (*Permissions, error) {
	p := &Permissions{settings: c, log: log, databases: map[string]*postgres.DB{}}
	if c.Permissions == "" {
		return p, nil
	}
	rules, text, err := ReadRules(c.Permissions)
	if err != nil {
		return nil, err
	}
	p.text = text
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

// openDatabases opens those that are not open yet. What is open stays open: calls may be using it.
func (p *Permissions) openDatabases(ctx context.Context, rules *guard.Rules) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, role := range rules.Roles {
		if role.Connection == "" || p.databases[role.Connection] != nil {
			continue
		}
		db, err := postgres.Open(ctx, postgres.Config{
			URL: os.Getenv(role.Connection), MinConns: -1, MaxConns: p.settings.PoolMax,
			IdleTime: cmp.Or(p.settings.PoolIdle, -1), Timeout: p.settings.Timeout(), Logger: p.log})
		if err != nil {
			return fmt.Errorf("%s, the connection of role %s: %w", role.Connection, role.Name, err)
		}
		p.databases[role.Connection] = db
	}
	return nil
}

// Rules are nil without permissions.
func (p *Permissions) Rules() *guard.Rules { return p.rules.Load() }

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

// reloadPermissions reads the file again, for the calls that begin from now on. With faults the rules stay as they are.
func (r *Reconciler) reloadPermissions(ctx context.Context) {
	p := r.config.Permissions
	if p.Rules() == nil {
		return
	}
	rules, text, err := ReadRules(r.config.Settings.Permissions)
	if text != nil && bytes.Equal(text, p.text) {
		return
	}
	if p.text = text; err == nil {
		err = checkConnections(rules)
	}
	if err == nil {
		err = p.openDatabases(ctx, rules)
	}
	r.config.Observer.Metrics.PermissionsReload(err)
	if err != nil {
		r.log.Error("permissions not reloaded: the rules stay as they are", "error", err)
		return
	}
	r.config.Registry.SetRoleDBs(p.RoleDBs()) // before a caller has the role
	p.rules.Store(rules)
	r.config.Registry.RulesChanged()
	r.showPools()
	r.log.Info("permissions reloaded", "roles", len(rules.Roles))
}

// showPools has the metrics count the connections of the server and of roles.
func (r *Reconciler) showPools() {
	pools := map[string]observe.Pool{"shared": r.config.DB}
	if rules := r.config.Permissions.Rules(); rules != nil {
		databases := r.config.Permissions.Databases()
		for _, role := range rules.Roles {
			if db := databases[role.Connection]; db != nil {
				pools["role "+role.Name] = db
			}
		}
	}
	r.config.Observer.Metrics.SetPools(pools)
}
