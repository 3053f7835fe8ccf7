// Package auth says who calls: it verifies access tokens (JSON Web Tokens) with the keys of their issuer, guards HTTP
// handlers with them, and describes this server to clients that look for its issuer.
package auth

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"mcp-postgres/internal/redact"
)

// Config says which tokens are accepted. Issuer and Audience must be set.
type Config struct {
	Issuer   string   // exactly as the tokens have it in iss
	Audience string   // one of aud must be it
	JWKSURL  string   // where the keys are; empty: discovered from the issuer
	Scopes   []string // what a token must have, all of them

	Leeway  time.Duration // how far clocks may differ; 0: 60 s
	Refresh time.Duration // how often the keys are fetched; 0: 5 min
	Retry   time.Duration // least time between fetches after a failure or for an unknown key; 0: 10 s

	HTTPClient *http.Client // nil: http.DefaultTransport
	Logger     *slog.Logger // nil: none
	OnFetch    func(error)  // if set, is called after each fetch of the keys, with its error
}

func (c Config) withDefaults() Config {
	c.Leeway = cmp.Or(c.Leeway, time.Minute)
	c.Refresh = cmp.Or(c.Refresh, 5*time.Minute)
	c.Retry = cmp.Or(c.Retry, 10*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.OnFetch == nil {
		c.OnFetch = func(error) {}
	}
	return c
}

// validate says all that is wrong, in the names of the settings.
func (c Config) validate() error {
	var faults []error
	if c.Issuer == "" {
		faults = append(faults, errors.New("MCP_AUTH_ISSUER is not set: want the URL of the issuer of the tokens"))
	}
	if c.Audience == "" {
		faults = append(faults, errors.New("MCP_AUTH_AUDIENCE is not set: without it a token that the issuer made for any "+
			"other service would be accepted; "+
			"want the audience of the tokens for this server"))
	}
	faults = append(faults, checkSetting("MCP_AUTH_ISSUER", c.Issuer), checkSetting("MCP_AUTH_JWKS_URL", c.JWKSURL))
	for _, s := range c.Scopes {
		if !scopeToken(s) {
			faults = append(faults, fmt.Errorf("--auth-scopes has %q: want printable ASCII without blanks, quotes and "+
				"backslashes", s))
		}
	}
	return errors.Join(faults...)
}

// checkSetting checks the URL that a setting has, if it has one.
func checkSetting(name, value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err == nil {
		err = checkURL(u)
	}
	if err == nil && (u.RawQuery != "" || u.Fragment != "") && name != "MCP_AUTH_JWKS_URL" {
		err = errors.New("want no query and no fragment")
	}
	if err != nil {
		return fmt.Errorf("%s is %q: %w", name, redact.Text(value), reason(err))
	}
	return nil
}

// checkURL accepts https, and http to this machine.
func checkURL(u *url.URL) error {
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		return errors.New("want a URL with a host, like https://login.example.com")
	case u.User != nil:
		return errors.New("want no user name or password in the URL")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("want https (http only to this machine: localhost, 127.0.0.1, [::1])")
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// scopeToken is RFC 6749, appendix A.4.
func scopeToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
