package main

import (
	"errors"
	"fmt"

	"mcp-postgres/internal/config"
	"mcp-postgres/internal/doctor"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/internal/reload"
)

type grantsCmd struct {
	Owner string `name:"owner" placeholder:"ROLE" help:"Role that will create tables later. Default: the role that runs the script."`
}

// Run prints the script. No database is asked.
func (cmd *grantsCmd) Run(c *config.Config, s streams) error {
	if c.Permissions == "" {
		return usage(s, errors.New("grants are made from permissions: want --permissions FILE or MCP_PERMISSIONS_FILE"))
	}
	rules, _, err := reload.ReadRules(c.Permissions)
	if err != nil {
		return err
	}
	of, err := c.OneDatabase()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, doctor.Grants(rules.In(of.Name, of.Main), c.Permissions, postgres.User(of.Settings.Conn),
		cmd.Owner))
	return err
}
