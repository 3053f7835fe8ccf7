package config_test

import (
	"strings"
	"testing"

	"mcp-postgres/internal/config"
)

func TestPasswordCommand(t *testing.T) {
	for text, want := range map[string]string{"": "", "aws rds  token": "aws|rds|token", `["say", "a b", ""]`: "say|a b|"} {
		c := base("")
		c.PasswordCommand = text
		if got := strings.Join(c.Command(), "|"); got != want || c.Validate() != nil {
			t.Errorf("--password-command %q is %q, %v, want %q", text, got, c.Validate(), want)
		}
	}
	for want, change := range map[string]func(*config.Config){
		"names no program":                    func(c *config.Config) { c.PasswordCommand = "[]" },
		"want its words, or a JSON array":     func(c *config.Config) { c.PasswordCommand = `["a", 5]` },
		"are both set: want one of them":      func(c *config.Config) { c.PasswordCommand, c.PasswordFile = "a", "b" },
		"are for --conn":                      func(c *config.Config) { c.PasswordFile, c.Databases = "b", "c.yaml" },
		"--password-keep (MCP_PASSWORD_KEEP)": func(c *config.Config) { c.PasswordKeep = -1 },
	} {
		c := base("")
		change(c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate = %v, want %s", err, want)
		}
	}
}
