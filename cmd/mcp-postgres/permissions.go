package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/registry"
)

// readRules reads the permissions. text is the file.
func readRules(path string) (rules *guard.Rules, text []byte, err error) {
	if text, err = os.ReadFile(path); err != nil {
		return nil, nil, fmt.Errorf("--permissions (MCP_PERMISSIONS_FILE): %w", err)
	}
	if rules, err = guard.Parse(path, text); err != nil {
		return nil, text, fmt.Errorf("reading the permissions:\n%w", err)
	}
	return rules, text, nil
}

// checkedRules are rules whose connections are set.
func checkedRules(path string) (rules *guard.Rules, text []byte, err error) {
	if rules, text, err = readRules(path); err != nil {
		return nil, text, err
	}
	if err := rules.CheckConnections(os.LookupEnv); err != nil {
		return nil, text, fmt.Errorf("reading the permissions:\n%w", err)
	}
	return rules, text, nil
}

// reread takes the permissions from their file again, for the calls that begin from now on. With faults the rules stay as
// they are. One goroutine calls it.
func (a *app) reread(ctx context.Context, c *config.Config, log *slog.Logger) {
	rules, text, err := checkedRules(c.Permissions)
	if text != nil && bytes.Equal(text, a.access.text) {
		return
	}
	var roleDBs map[string]registry.Database
	if a.access.text = text; err == nil {
		roleDBs, err = a.roleDBs(ctx, c, rules)
	}
	a.observe.Metrics.PermissionsReload(err)
	if err != nil {
		log.Error("permissions not reloaded: the rules stay as they are", "error", err)
		return
	}
	a.tools.SetRoleDBs(roleDBs) // before a caller has the role
	a.access.rules.Store(rules)
	a.tools.RulesChanged()
	a.observe.Metrics.SetPools(a.pools())
	log.Info("permissions reloaded", "roles", len(rules.Roles))
}

// roleDBs are the databases of the roles that have a login of their own.
func (a *app) roleDBs(ctx context.Context, c *config.Config, rules *guard.Rules) (map[string]registry.Database, error) {
	all, err := a.access.databases(ctx, c, rules)
	for name, db := range all {
		all[name] = a.observe.Tracer.Database(db)
	}
	return all, err
}
