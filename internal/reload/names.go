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

// Names are what a role can name: tools, those in code too, and toolsets with their prefix.
type Names []string

func namesOf(tools []*catalog.Tool, requested []registry.Requested) Names {
	n := registry.BuiltIn()
	for _, t := range requested {
		n = append(n, t.Name, guard.ToolsetPrefix+t.Toolset)
	}
	for _, t := range tools {
		n = append(n, t.Name, guard.ToolsetPrefix+t.Toolset)
	}
	return n
}

// Offered are the names of what clients may see, if their role and the database allow it.
func (f *Files) Offered(c *config.Config) Names {
	writes := func(t *catalog.Tool) bool { return c.ReadOnly && t.Access == catalog.Write }
	n := namesOf(slices.DeleteFunc(slices.Clone(f.Tools), writes), Extra(c))
	return slices.DeleteFunc(n, func(name string) bool { return slices.Contains(c.Disable, name) })
}

// Missing are the tools of a role that are none of these.
func (n Names) Missing(r *guard.Role) []string {
	return slices.DeleteFunc(slices.Clone(r.Tools), func(name string) bool { return slices.Contains(n, name) })
}

// Hinted are missing names, each with the one that may have been meant.
func (n Names) Hinted(missing []string) []string {
	var all []string
	for _, name := range missing {
		word, names := name, []string(n)
		if toolset, ok := strings.CutPrefix(name, guard.ToolsetPrefix); ok { // alike are all with the prefix
			word, names = toolset, nil
			for _, other := range n {
				if other, ok := strings.CutPrefix(other, guard.ToolsetPrefix); ok {
					names = append(names, other)
				}
			}
		}
		all = append(all, name+faults.DidYouMean(word, names))
	}
	return all
}

// WarnOfUnknownTools logs the tools in the permissions that do not exist, once while they stay the same.
func (r *Reconciler) WarnOfUnknownTools() {
	rules := r.config.Permissions.RulesIn(*r.of.Load())
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
