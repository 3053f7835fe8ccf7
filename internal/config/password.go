package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Command is the argument vector of --password-command; nil without one.
func (c *Config) Command() []string {
	var words []string
	switch text := strings.TrimSpace(c.PasswordCommand); {
	case text == "":
	case !strings.HasPrefix(text, "["):
		words = strings.Fields(text)
	case json.Unmarshal([]byte(text), &words) != nil:
		words = nil
	}
	return words
}

const mostKeep = 24 * time.Hour

func (c *Config) checkPassword() error {
	command := c.Command()
	switch {
	case c.PasswordCommand != "" && (len(command) == 0 || command[0] == ""):
		return errors.New("--password-command (MCP_PASSWORD_COMMAND) names no program: " +
			`want its words, or a JSON array of them such as ["program", "argument"]`)
	case command != nil && c.PasswordFile != "":
		return errors.New("--password-command (MCP_PASSWORD_COMMAND) and --password-file (MCP_PASSWORD_FILE) are both set: " +
			"want one of them")
	case (command != nil || c.PasswordFile != "") && c.Databases != "":
		return errors.New("--password-command and --password-file are for --conn: " +
			"want password_command or password_file of each database in the file of --databases")
	case c.PasswordKeep < 0 || c.PasswordKeep > mostKeep:
		return fmt.Errorf("--password-keep (MCP_PASSWORD_KEEP) is %v: want 0 to 24h", c.PasswordKeep)
	}
	return nil
}
