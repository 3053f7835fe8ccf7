package config

import (
	"errors"
	"fmt"
)

// Auth holds the settings of authentication, which MCP_AUTH_ISSUER turns on, and of permissions.
type Auth struct {
	AuthIssuer   string   `help:"Issuer of the tokens that callers must have (OpenID Connect or OAuth 2.0); turns authentication on." name:"auth-issuer" env:"MCP_AUTH_ISSUER" placeholder:"URL"`
	AuthAudience string   `help:"Audience that the tokens must have." name:"auth-audience" env:"MCP_AUTH_AUDIENCE" placeholder:"TEXT"`
	AuthJWKSURL  string   `help:"Where the issuer's keys are, if not where its metadata says." name:"auth-jwks-url" env:"MCP_AUTH_JWKS_URL" placeholder:"URL"`
	AuthScopes   []string `help:"Scopes that the tokens must have, all of them." name:"auth-scopes" env:"MCP_AUTH_SCOPES" placeholder:"SCOPE" sep:","`
	AuthToken    string   `kong:"-"` // MCP_AUTH_TOKEN: on a command line everybody could read it
	Permissions  string   `help:"File that says what each role may do (permissions.yaml)." name:"permissions" env:"MCP_PERMISSIONS_FILE" placeholder:"FILE"`
	PublicURL    string   `help:"URL at which clients reach the server, such as https://mcp.example.com/mcp." name:"public-url" env:"MCP_PUBLIC_URL" placeholder:"URL"`

	CallerRate       float64 `help:"Most requests a second of one caller over HTTP." name:"caller-rate" env:"MCP_CALLER_RATE" default:"50" placeholder:"N"`
	CallerConcurrent int     `help:"Most requests of one caller over HTTP at the same time." name:"caller-concurrent" env:"MCP_CALLER_CONCURRENT" default:"20" placeholder:"N"`
}

func (a *Auth) validate() []error {
	faults := []error{within("--caller-concurrent (MCP_CALLER_CONCURRENT)", a.CallerConcurrent, 1, 10_000)}
	if a.CallerRate <= 0 || a.CallerRate > 100_000 {
		faults = append(faults, fmt.Errorf("--caller-rate (MCP_CALLER_RATE) is %g: want a number above 0, at most 100000", a.CallerRate))
	}
	return faults
}

// CheckIdentity refuses to serve where authentication is half set: somebody meant to close the server. It is for what serves
// calls; other commands use the permissions alone.
func (c *Config) CheckIdentity() error {
	if c.AuthIssuer != "" {
		if c.Permissions == "" {
			return errors.New("MCP_AUTH_ISSUER is set, but MCP_PERMISSIONS_FILE (--permissions) is not: no caller would be allowed anything; " +
				"want the file that gives roles to callers")
		}
		return nil
	}
	for name, value := range map[string]string{"MCP_AUTH_AUDIENCE": c.AuthAudience, "MCP_AUTH_JWKS_URL": c.AuthJWKSURL,
		"MCP_AUTH_TOKEN": c.AuthToken, "MCP_PERMISSIONS_FILE": c.Permissions} {
		if value != "" {
			return fmt.Errorf("%s is set, but MCP_AUTH_ISSUER (--auth-issuer) is not: without an issuer there is no authentication, and everybody would be served; "+
				"set it, or unset %[1]s to accept that", name)
		}
	}
	if len(c.AuthScopes) > 0 {
		return errors.New("MCP_AUTH_SCOPES is set, but MCP_AUTH_ISSUER (--auth-issuer) is not: want both")
	}
	return nil
}
