package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Requires is what the database must have for a tool to be offered.
type Requires struct {
	// Extensions must be installed in the database.
	Extensions []string
	// ServerVersion is the least version of the server as PostgreSQL's server_version_num counts, 150000 for 15; zero
	// means any.
	ServerVersion int
}

// Unmet says what a server of that version with those extensions lacks, or is empty.
func (r Requires) Unmet(version int, extensions []string) string {
	var lacks []string
	if version < r.ServerVersion {
		lacks = append(lacks, fmt.Sprintf("requires PostgreSQL %s or later, the server has %s", shownVersion(r.ServerVersion), shownVersion(version)))
	}
	for _, name := range r.Extensions {
		if !slices.Contains(extensions, name) {
			lacks = append(lacks, fmt.Sprintf("requires the extension %s, which is not installed in the database", name))
		}
	}
	return strings.Join(lacks, "; ")
}

// shownVersion writes 150004 as 15.4.
func shownVersion(n int) string {
	if n%10000 == 0 {
		return strconv.Itoa(n / 10000)
	}
	return fmt.Sprintf("%d.%d", n/10000, n%10000)
}

func (f *file) requires(t *Tool, m mapping) {
	if !m.has("requires") {
		return
	}
	r, ok := f.mapping(m.values["requires"], "requires", "extension", "server_version")
	if !ok {
		return
	}
	if n := r.values["extension"]; n != nil && n.Kind == yaml.ScalarNode {
		if name := r.text("extension"); name != "" {
			t.Requires.Extensions = []string{name}
		}
	} else {
		t.Requires.Extensions = r.names("extension")
	}
	t.Requires.ServerVersion = r.serverVersion()
}

var versionPattern = regexp.MustCompile(`^(?:>= *)?([1-9][0-9]?)(?:\.([0-9]{1,2}))?$`)

// serverVersion reads 15, "15.4" or ">=15".
func (m mapping) serverVersion() int {
	n := m.values["server_version"]
	if n == nil {
		return 0
	}
	at := versionPattern.FindStringSubmatch(n.Value)
	if n.Kind != yaml.ScalarNode || at == nil {
		m.wrongKind(n, `server_version is %s: want the least version, such as 15 or ">=15.4"`, describe(n))
		return 0
	}
	major, _ := strconv.Atoi(at[1])
	minor, _ := strconv.Atoi(at[2])
	return major*10000 + minor
}
