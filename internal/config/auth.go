package config

import (
	"errors"
	"fmt"
	"os"
)

// Auth holds the settings of authentication and permissions.
type Auth struct {
	AuthIssuer   string   `help:"Issuer of the access tokens, exactly as in their iss claim. Turns authentication on." name:"auth-issuer" env:"MCP_AUTH_ISSUER" placeholder:"URL"`
	AuthAudience string   `help:"Audience that the tokens must have in their aud claim." name:"auth-audience" env:"MCP_AUTH_AUDIENCE" placeholder:"NAME"`
	AuthJWKSURL  string   `help:"URL of the issuer's keys. Default: found by discovery." name:"auth-jwks-url" env:"MCP_AUTH_JWKS_URL" placeholder:"URL"`
	AuthScopes   []string `help:"Scope that a token must have; repeatable." name:"auth-scopes" env:"MCP_AUTH_SCOPES" sep:"," placeholder:"NAME"`
	Permissions  string   `help:"File of roles: what each may do, and who has it." name:"permissions" env:"MCP_PERMISSIONS_FILE" placeholder:"FILE"`
	PublicURL    string   `help:"URL at which clients reach the server over HTTP, with its path." name:"public-url" env:"MCP_PUBLIC_URL" placeholder:"URL"`

	CallerRate       float64 `help:"Maximum number of requests a second of one caller with a token over HTTP." name:"caller-rate" env:"MCP_CALLER_RATE" default:"50" placeholder:"N"`
	CallerConcurrent int     `help:"Maximum number of requests of one caller with a token over HTTP at the same time." name:"caller-concurrent" env:"MCP_CALLER_CONCURRENT" default:"20" placeholder:"N"`
}

// The defaults of the two above. Without authentication there are no callers to tell apart, and so no such limits.
const (
	defaultCallerRate       = 50
	defaultCallerConcurrent = 20
)

func (a *Auth) validate() []error {
	faults := []error{within("--caller-concurrent (MCP_CALLER_CONCURRENT)", a.CallerConcurrent, 1, 10_000)}
	if a.CallerRate <= 0 || a.CallerRate > 100_000 {
		faults = append(faults, fmt.Errorf("--caller-rate (MCP_CALLER_RATE) is %g: want a number above 0, at most 100000",
			a.CallerRate))
	}
	return faults
}

// The token is a variable and no flag, because other users of a machine can see the flags of a process.
const (
	TokenVariable = "MCP_AUTH_TOKEN"
	TokenHelp     = "Access token of the caller over stdio, and of the commands call and tools."
)

// AuthToken returns the token of the caller over stdio.
func (a *Auth) AuthToken() string { return os.Getenv(TokenVariable) }

// CheckAuth checks that the settings of authentication fit together. The URLs are checked where they are used. stdio is
// true where there is one caller, with the token of AuthToken.
func (a *Auth) CheckAuth(stdio bool) error {
	if a.AuthIssuer == "" {
		return a.withoutIssuer()
	}
	var faults []error
	if a.AuthAudience == "" {
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_AUTH_AUDIENCE: a token that the issuer made "+
			"for any other service would be accepted; "+
			"want the audience of the tokens for this server"))
	}
	if a.Permissions == "" {
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_PERMISSIONS_FILE: nobody would have a role; "+
			"want the file that gives roles to callers"))
	}
	switch {
	case stdio && a.AuthToken() == "":
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is set without MCP_AUTH_TOKEN: over stdio the caller's access "+
			"token comes from there"))
	case !stdio && a.AuthToken() != "":
		faults = append(faults,
			errors.New("MCP_AUTH_TOKEN is set, but over HTTP each request brings its own token: unset it"))
	}
	return errors.Join(faults...)
}

// withoutIssuer refuses settings that have no effect without an issuer: whoever set them wanted to protect the server.
func (a *Auth) withoutIssuer() error {
	var faults []error
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"MCP_AUTH_AUDIENCE", a.AuthAudience != ""}, {"MCP_AUTH_JWKS_URL", a.AuthJWKSURL != ""},
		{"MCP_AUTH_TOKEN", a.AuthToken() != ""},
		{"--auth-scopes", len(a.AuthScopes) > 0}, {"MCP_PERMISSIONS_FILE", a.Permissions != ""},
		{"--caller-rate", a.CallerRate != 0 && a.CallerRate != defaultCallerRate},
		{"--caller-concurrent", a.CallerConcurrent != 0 && a.CallerConcurrent != defaultCallerConcurrent},
	} {
		if s.set {
			faults = append(faults, fmt.Errorf("%s is set without MCP_AUTH_ISSUER: everybody would be served, without a limit "+
				"on any caller; set the issuer too, or unset it", s.name))
		}
	}
	return errors.Join(faults...)
}
