package config

import (
	"errors"
	"fmt"
	"os"
)

// Auth holds the settings that say who may call, and what.
type Auth struct {
	AuthIssuer   string   `help:"Who issues the access tokens, exactly as their iss has it; turns authentication on." name:"auth-issuer" env:"MCP_AUTH_ISSUER" placeholder:"URL"`
	AuthAudience string   `help:"What the tokens must have in aud." name:"auth-audience" env:"MCP_AUTH_AUDIENCE" placeholder:"NAME"`
	AuthJWKSURL  string   `help:"Where the issuer's keys are; without it they are discovered." name:"auth-jwks-url" env:"MCP_AUTH_JWKS_URL" placeholder:"URL"`
	AuthScopes   []string `help:"Scope that a token must have; repeatable." name:"auth-scopes" env:"MCP_AUTH_SCOPES" sep:"," placeholder:"NAME"`
	Permissions  string   `help:"File that says which role may do what, and who has it." name:"permissions" env:"MCP_PERMISSIONS_FILE" placeholder:"FILE"`
	PublicURL    string   `help:"URL at which clients reach the server over HTTP, with its path." name:"public-url" env:"MCP_PUBLIC_URL" placeholder:"URL"`

	CallerRate       float64 `help:"Most requests a second of one caller with a token over HTTP." name:"caller-rate" env:"MCP_CALLER_RATE" default:"50" placeholder:"N"`
	CallerConcurrent int     `help:"Most requests of one caller with a token over HTTP at the same time." name:"caller-concurrent" env:"MCP_CALLER_CONCURRENT" default:"20" placeholder:"N"`
}

// The defaults of the two above; without authentication nobody is told apart, and there are no such limits.
const (
	defaultCallerRate       = 50
	defaultCallerConcurrent = 20
)

func (a *Auth) validate() []error {
	faults := []error{within("--caller-concurrent (MCP_CALLER_CONCURRENT)", a.CallerConcurrent, 1, 10_000)}
	if a.CallerRate <= 0 || a.CallerRate > 100_000 {
		faults = append(faults, fmt.Errorf("--caller-rate (MCP_CALLER_RATE) is %g: want a number above 0, at most 100000", a.CallerRate))
	}
	return faults
}

// The setting that is no flag, for other users of a machine see flags.
const (
	TokenVariable = "MCP_AUTH_TOKEN"
	TokenHelp     = "Access token of the caller over stdio, and of the commands call and tools."
)

// AuthToken is the token that all calls are made with over stdio.
func (a *Auth) AuthToken() string { return os.Getenv(TokenVariable) }

// CheckAuth says what contradicts itself. Whether the URLs are good is for who uses them. stdio: there is one caller, who has
// one token.
func (a *Auth) CheckAuth(stdio bool) error {
	if a.AuthIssuer == "" {
		return a.withoutIssuer()
	}
	var faults []error
	if a.AuthAudience == "" {
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_AUTH_AUDIENCE: a token that the issuer made for any other service would be accepted; "+
			"want the audience of the tokens for this server"))
	}
	if a.Permissions == "" {
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_PERMISSIONS_FILE: nobody would have a role; want the file that gives roles to callers"))
	}
	switch {
	case stdio && a.AuthToken() == "":
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_AUTH_TOKEN: over stdio the caller's access token comes from there"))
	case !stdio && a.AuthToken() != "":
		faults = append(faults, errors.New("MCP_AUTH_TOKEN is set, but over HTTP each request brings its own token: unset it"))
	}
	return errors.Join(faults...)
}

// withoutIssuer refuses settings that would do nothing: who set them meant to close the server.
func (a *Auth) withoutIssuer() error {
	var faults []error
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"MCP_AUTH_AUDIENCE", a.AuthAudience != ""}, {"MCP_AUTH_JWKS_URL", a.AuthJWKSURL != ""}, {"MCP_AUTH_TOKEN", a.AuthToken() != ""},
		{"--auth-scopes", len(a.AuthScopes) > 0}, {"MCP_PERMISSIONS_FILE", a.Permissions != ""},
		{"--caller-rate", a.CallerRate != 0 && a.CallerRate != defaultCallerRate},
		{"--caller-concurrent", a.CallerConcurrent != 0 && a.CallerConcurrent != defaultCallerConcurrent},
	} {
		if s.set {
			faults = append(faults, fmt.Errorf("%s is set without MCP_AUTH_ISSUER: everybody would be served, without a limit on any caller; set the issuer too, or unset it", s.name))
		}
	}
	return errors.Join(faults...)
}
