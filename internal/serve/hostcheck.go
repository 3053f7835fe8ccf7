package serve

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/observe"
)

// hostCheck refuses requests that a web page makes a browser send: to a name that the page's owner points at this
// server (DNS rebinding), or from an origin that is not allowed. It answers for CORS where origins are allowed.
type hostCheck struct {
	local   bool // listens on a loopback address
	hosts   []string
	origins []string
	metrics *observe.Metrics
}

func newHostCheck(c HTTPConfig, m *observe.Metrics) *hostCheck {
	g := &hostCheck{local: IsLoopback(c.Host), metrics: m}
	if u, err := url.Parse(c.PublicURL); err == nil && u.Host != "" {
		g.hosts = append(g.hosts, strings.ToLower(u.Host))
	}
	for _, h := range c.AllowedHosts {
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	for _, o := range c.AllowedOrigins {
		g.origins = append(g.origins, strings.ToLower(strings.TrimSuffix(o, "/")))
	}
	return g
}

func (g *hostCheck) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		listed := slices.Contains(g.origins, strings.ToLower(origin))
		if listed {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "Mcp-Session-Id, WWW-Authenticate, Retry-After")
		}
		if len(g.origins) > 0 {
			w.Header().Add("Vary", "Origin")
		}
		switch {
		case !g.hostAllowed(r.Host):
			g.metrics.Refused(w, "host")
			refuse(w, http.StatusForbidden, "this server is not known by the name "+quoted(r.Host)+
				": add it with --allowed-hosts (MCP_ALLOWED_HOSTS)")
			return
		case origin != "" && !listed && !g.localOrigin(origin):
			g.metrics.Refused(w, "origin")
			refuse(w, http.StatusForbidden, "web pages of "+quoted(origin)+
				" may not use this server: add the origin with --allowed-origins (MCP_ALLOWED_ORIGINS)")
			return
		}
		if r.Method == http.MethodOptions { // which carries no token
			preflight(w, r, listed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostAllowed: an address can't be pointed elsewhere, so every one will do, on a loopback address every one of those.
func (g *hostCheck) hostAllowed(hostport string) bool {
	hostport = strings.ToLower(hostport)
	host := hostname(hostport)
	ip, err := netip.ParseAddr(host)
	switch {
	case slices.Contains(g.hosts, "*"), slices.Contains(g.hosts, host), slices.Contains(g.hosts, hostport):
		return true
	case err == nil:
		return !g.local || ip.IsLoopback()
	}
	return host == "localhost"
}

// localOrigin: on a loopback address, pages of this machine.
func (g *hostCheck) localOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && g.local && (u.Scheme == "http" || u.Scheme == "https") && IsLoopback(u.Hostname())
}

func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// corsHeaders are those that clients of the protocol send.
var corsHeaders = []string{"accept", "authorization", "content-type", "last-event-id", "mcp-method", "mcp-name",
	"mcp-protocol-version", "mcp-session-id", "traceparent", "tracestate"}

// preflight answers a browser that asks what a page may send.
func preflight(w http.ResponseWriter, r *http.Request, allowed bool) {
	if allowed {
		headers := slices.Clone(corsHeaders)
		for h := range strings.SplitSeq(strings.ToLower(r.Header.Get("Access-Control-Request-Headers")), ",") {
			if h = strings.TrimSpace(h); strings.HasPrefix(h, "mcp-param-") {
				headers = append(headers, h)
			}
		}
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", strings.Join(headers, ", "))
		w.Header().Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers a request that is not let through, as a JSON-RPC error without an id.
func refuse(w http.ResponseWriter, status int, message string) {
	refuseWith(w, status, fail(nil, mcp.INVALID_REQUEST, message))
}

func refuseWith(w http.ResponseWriter, status int, body *response) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body.appendTo(nil), '\n')) // who has gone needs no answer
}
