package demo

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// socketPort is part of the socket's file name; no other server shares the directory.
const socketPort = 5432

// URL is where the demo database is, for the role Role. It stays the same for the life of the cluster.
func (c *Cluster) URL() string {
	return c.address(Role, Database)
}

// AdminURL is the demo database for the role Superuser.
func (c *Cluster) AdminURL() string {
	return c.address(Superuser, Database)
}

// Dir is the private directory that holds the data, the socket and the log; Stop removes it.
func (c *Cluster) Dir() string {
	return c.dir.path
}

func (c *Cluster) address(role, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database}
	query := url.Values{"sslmode": {"disable"}}
	if c.port != 0 {
		u.User = url.UserPassword(role, c.password)
		u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))
	} else {
		query.Set("host", c.dir.path)
		query.Set("port", strconv.Itoa(socketPort))
	}
	// libpq reads %20 but not + as a space.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	return u.String()
}

// ClearEnvironment removes PGSERVICE, PGOPTIONS and whatever else points libpq to another server from the environment
// of this process. Programs that connect only to a demo database call it first.
func ClearEnvironment() {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name) // fails for no name that is there
		}
	}
}

// FreePort asks the system for a port of 127.0.0.1 that nobody listens on.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("finding a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// User is the operating-system user that the server runs as; empty for the user of this process.
func (c *Cluster) User() string {
	return c.owner.name
}

// AddFile writes a file into Dir that only the server's user may read, such as a private key, and returns its path.
func (c *Cluster) AddFile(name string, content []byte) (string, error) {
	path := filepath.Join(c.dir.path, name)
	if err := errors.Join(os.WriteFile(path, content, 0o600), c.owner.give(path)); err != nil {
		return "", fmt.Errorf("writing %s: %w", name, err)
	}
	return path, nil
}
