package reload

import (
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/guard"
	"mcp-postgres/registry"
)

// Names are the names of tools, those in code too, and of toolsets.
type Names struct{ Tools, Toolsets []string }

func namesOf(tools []*catalog.Tool) Names {
	n := Names{Tools: slices.Clone(registry.BuiltIn())}
	for _, t := range tools {
		n.Tools, n.Toolsets = append(n.Tools, t.Name), append(n.Toolsets, t.Toolset)
	}
	slices.Sort(n.Toolsets)
	n.Toolsets = slices.Compact(n.Toolsets)
	return n
}

// Offered are the names of what clients may see, if their role and the database allow it.
func (f *Files) Offered(c *config.Config) Names {
	writes := func(t *catalog.Tool) bool { return c.ReadOnly && t.Access == catalog.Write }
	n := namesOf(slices.DeleteFunc(slices.Clone(f.Tools), writes))
	n.Tools = slices.DeleteFunc(n.Tools, func(name string) bool { return slices.Contains(c.Disable, name) })
	return n
}

// Missing are the entries in the tools of a role that name nothing here.
func (n Names) Missing(r *guard.Role) []string {
	return slices.DeleteFunc(slices.Clone(r.Tools), func(entry string) bool {
		name, names := n.like(entry)
		return slices.Contains(names, name)
	})
}

// Hinted are entries of roles, each with the name that may have been meant.
func (n Names) Hinted(entries []string) []string {
	var all []string
	for _, entry := range entries {
		name, names := n.like(entry)
		if name == entry { // the prefix may have been forgotten
			names = slices.Clone(names)
			for _, t := range n.Toolsets {
				names = append(names, guard.ToolsetPrefix+t)
			}
		}
		all = append(all, entry+faults.DidYouMean(name, names))
	}
	return all
}

// like returns what an entry of a role names, and the names that there are of its kind.
func (n Names) like(entry string) (name string, names []string) {
	if toolset, ok := strings.CutPrefix(entry, guard.ToolsetPrefix); ok {
		return toolset, n.Toolsets
	}
	return entry, n.Tools
}

// WarnOfUnknownTools logs the tools in the permissions that do not exist, once while they stay the same.
func (r *Reconciler) WarnOfUnknownTools() {
	rules := r.config.Permissions.Rules()
	if rules == nil {
		return
	}
	warned := map[string]string{}
	for _, role := range rules.Roles {
		tools := strings.Join(r.files.Names.Hinted(r.files.Names.Missing(role)), ", ")
		if tools != "" && r.warned[role.Name] != tools {
			r.log.Warn("permissions name tools that do not exist", "role", role.Name, "tools", tools)
		}
		warned[role.Name] = tools
	}
	r.warned = warned
}
