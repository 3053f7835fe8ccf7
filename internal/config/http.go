package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// HTTP holds the settings of the transports streamable-http and sse.
type HTTP struct {
	Host string `help:"Address to listen on for HTTP." env:"MCP_HOST" default:"127.0.0.1" placeholder:"ADDRESS"`
	Port int    `help:"Port to listen on for HTTP; 0 chooses a free one." env:"MCP_PORT" default:"8000" placeholder:"N"`

	TLSCert string `help:"Certificate file (PEM) for HTTPS; a renewed file is used without a restart." name:"tls-cert" env:"MCP_TLS_CERT" placeholder:"FILE"`
	TLSKey  string `help:"Key file (PEM) of --tls-cert." name:"tls-key" env:"MCP_TLS_KEY" placeholder:"FILE"`

	AllowedHosts   []string `help:"Host names that clients may use for the server over HTTP, besides addresses and localhost; * for any." name:"allowed-hosts" env:"MCP_ALLOWED_HOSTS" placeholder:"NAME" sep:","`
	AllowedOrigins []string `help:"Origins of web pages that may use the server, such as https://app.example.com." name:"allowed-origins" env:"MCP_ALLOWED_ORIGINS" placeholder:"ORIGIN" sep:","`
	InsecureNoAuth bool     `help:"Serve everybody who can reach --host, without authentication." name:"insecure-no-auth" env:"MCP_INSECURE_NO_AUTH"`

	Metrics string `help:"Serve Prometheus metrics at /metrics, without a token: ${enum}. auto means on if --host is a loopback address." env:"MCP_METRICS" enum:"auto,on,off" default:"auto"`

	ShutdownTimeout time.Duration `help:"Time that running calls get to finish when the HTTP server stops." name:"shutdown-timeout" env:"MCP_SHUTDOWN_TIMEOUT" default:"10s" placeholder:"TIME"`
}

func (h *HTTP) validate() []error {
	faults := []error{within("--port (MCP_PORT)", h.Port, 0, 65535)}
	if (h.TLSCert == "") != (h.TLSKey == "") {
		faults = append(faults, errors.New("--tls-cert (MCP_TLS_CERT) and --tls-key (MCP_TLS_KEY): want both or none"))
	}
	if h.ShutdownTimeout < time.Second || h.ShutdownTimeout > time.Hour {
		faults = append(faults, fmt.Errorf("--shutdown-timeout (MCP_SHUTDOWN_TIMEOUT) is %v: want 1s to 1h",
			h.ShutdownTimeout))
	}
	for _, host := range h.AllowedHosts {
		if host == "" || host != "*" && strings.ContainsAny(host, "/*@ \t") {
			faults = append(faults, fmt.Errorf("--allowed-hosts (MCP_ALLOWED_HOSTS) has %q: want a name, name:port or *", host))
		}
	}
	for _, origin := range h.AllowedOrigins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme == "" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			faults = append(faults, fmt.Errorf("--allowed-origins (MCP_ALLOWED_ORIGINS) has %q: want scheme://host or "+
				"scheme://host:port", origin))
		}
	}
	return faults
}
