package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// wellKnown is where RFC 9728 puts the description of a protected resource; its path comes after.
const wellKnown = "/.well-known/oauth-protected-resource"

// Resource is this server as clients see it. Issuer must be set.
type Resource struct {
	URL    string   // of the endpoint, as clients reach it; empty: taken from requests to this machine itself
	Path   string   // of the endpoint here, like /mcp
	Issuer string   // who gives out tokens
	Scopes []string // what a token must have
	Name   string   // for people
}

// Validate says what is wrong with the URL. It may be empty only where all clients are on this machine.
func (r Resource) Validate(local bool) error {
	if r.URL == "" && !local {
		return errors.New("MCP_PUBLIC_URL is not set: want the URL at which clients reach this server, like " +
			"https://tools.example.com/mcp; they find the issuer of their tokens through it")
	}
	return checkSetting("MCP_PUBLIC_URL", r.URL)
}

// at gives the identifier of this server, with a slash at its end if the client wrote one: clients compare it with what
// they were given. Without a URL it is what the client asked for, if that is this machine: a name from the outside is
// not to be trusted.
func (r Resource) at(req *http.Request) (*url.URL, bool) {
	u, ok := r.identifier(req)
	path, slash := strings.CutSuffix(req.URL.Path, "/")
	if !ok || path == "" || path == wellKnown || u.Path == "" || u.Path == "/" {
		return u, ok
	}
	if u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), ""; slash {
		u.Path += "/"
	}
	return u, true
}

func (r Resource) identifier(req *http.Request) (*url.URL, bool) {
	if r.URL != "" {
		u, err := url.Parse(r.URL)
		return u, err == nil
	}
	u, err := url.Parse("http://" + req.Host)
	if err != nil || !loopback(u.Hostname()) {
		return nil, false
	}
	if req.TLS != nil {
		u.Scheme = "https"
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: r.Path}, true
}

// metadataURL is where the description of u is.
func metadataURL(u *url.URL) string {
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	return u.Scheme + "://" + u.Host + wellKnown + path
}

// metadata is RFC 9728, section 2.
type metadata struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	ScopesSupported      []string `json:"scopes_supported,omitempty"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	ResourceName         string   `json:"resource_name,omitempty"`
}

// MetadataHandler describes r to clients (RFC 9728), with and without the path of the endpoint. It is for the path
// /.well-known/oauth-protected-resource and all below, without authentication. Any web page may read it.
func MetadataHandler(r Resource) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		u, ok := r.at(req)
		if !ok || !r.describedAt(req.URL.Path, u) {
			missing := &denial{status: http.StatusNotFound, message: "no resource is described here: want " + wellKnown + r.Path}
			missing.write(w, req, r)
			return
		}
		switch req.Method {
		case http.MethodGet, http.MethodHead:
		case http.MethodOptions: // a web page asks first, because of a header that MCP has
			w.Header().Set("Access-Control-Allow-Headers", "MCP-Protocol-Version")
			w.WriteHeader(http.StatusNoContent)
			return
		default:
			w.Header().Set("Allow", "GET, HEAD, OPTIONS")
			(&denial{status: http.StatusMethodNotAllowed, message: "want GET"}).write(w, req, r)
			return
		}
		body, _ := json.Marshal(metadata{Resource: u.String(), AuthorizationServers: []string{r.Issuer},
			ScopesSupported: r.Scopes,
			BearerMethods:   []string{"header"}, ResourceName: r.Name}) // texts give no error
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // an error is the client's going away
	})
}

// describedAt accepts the bare form, and the form with the path that clients see or that the endpoint has here.
func (r Resource) describedAt(path string, u *url.URL) bool {
	path = strings.TrimSuffix(path, "/")
	return path == wellKnown || path == wellKnown+strings.TrimSuffix(u.Path, "/") || path == wellKnown+r.Path
}
