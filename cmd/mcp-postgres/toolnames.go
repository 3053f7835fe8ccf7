package main

import (
	"context"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/guard"
	"mcp-postgres/registry"
)

// toolNames are the names of tools, those in code too, and of toolsets.
type toolNames struct{ tools, toolsets []string }

func namesOf(tools []*catalog.Tool) toolNames {
	n := toolNames{tools: slices.Clone(registry.BuiltIn())}
	for _, t := range tools {
		n.tools, n.toolsets = append(n.tools, t.Name), append(n.toolsets, t.Toolset)
	}
	slices.Sort(n.toolsets)
	n.toolsets = slices.Compact(n.toolsets)
	return n
}

// offered are the names of what clients may see, if their role and the database allow it.
func (f *files) offered(c *config.Config) toolNames {
	n := namesOf(slices.DeleteFunc(slices.Clone(f.tools), func(t *catalog.Tool) bool { return c.ReadOnly && t.Access == catalog.Write }))
	n.tools = slices.DeleteFunc(n.tools, func(name string) bool { return slices.Contains(c.Disable, name) })
	return n
}

// like are the names of the kind of a word in the tools of a role, with the word as they are written.
func (n toolNames) like(word string) (name string, names []string) {
	if toolset, ok := strings.CutPrefix(word, guard.ToolsetPrefix); ok {
		return toolset, n.toolsets
	}
	return word, n.tools
}

// missing are the words in the tools of a role that name nothing here.
func (n toolNames) missing(r *guard.Role) []string {
	return slices.DeleteFunc(slices.Clone(r.Tools), func(word string) bool {
		name, names := n.like(word)
		return slices.Contains(names, name)
	})
}

// hinted are the words with the name that may have been meant.
func (n toolNames) hinted(words []string) []string {
	var all []string
	for _, word := range words {
		name, names := n.like(word)
		if name == word { // the prefix may have been forgotten
			names = slices.Clone(names)
			for _, t := range n.toolsets {
				names = append(names, guard.ToolsetPrefix+t)
			}
		}
		all = append(all, word+catalog.DidYouMean(name, names))
	}
	return all
}

// warnOfTools logs the tools in the permissions that do not exist, once while they stay the same. One goroutine calls it.
func (a *access) warnOfTools(ctx context.Context, names toolNames) {
	rules := a.rules.Load()
	if rules == nil {
		return
	}
	warned := map[string]string{}
	for _, r := range rules.Roles {
		words := strings.Join(names.hinted(names.missing(r)), ", ")
		if words != "" && a.warned[r.Name] != words {
			a.log.WarnContext(ctx, "permissions name tools that do not exist", "role", r.Name, "tools", words)
		}
		warned[r.Name] = words
	}
	a.warned = warned
}

// tools holds the tools of the roles against those of the files.
func (d *doctor) tools(roles []*guard.Role, found *files, c *config.Config) {
	offered := found.offered(c)
	for _, r := range roles {
		unknown := found.names.missing(r)
		if len(unknown) > 0 {
			d.add(concern{warning, "role " + r.Name + ": permissions.yaml names a tool that does not exist",
				"Neither the server nor --tools has a tool or toolset of this name.", found.names.hinted(unknown), "-- mend permissions.yaml"})
		}
		left := slices.DeleteFunc(offered.missing(r), func(word string) bool { return slices.Contains(unknown, word) })
		if len(left) > 0 {
			d.add(concern{note, "role " + r.Name + ": permissions.yaml names a tool that is not offered",
				"It exists, but --toolsets, --enable, --disable or --read-only leave it out.", left, "-- nothing, if the file is for several servers; else mend one of them"})
		}
	}
}
