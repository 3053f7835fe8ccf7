package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

// offer gives the registry what is to be offered now.
func (s *shelf) offer() {
	set, err := s.set()
	if err == nil {
		err = s.registry.Replace(set)
	}
	if err != nil {
		s.log.Error("tools not replaced", "error", err)
	}
}

func (s *shelf) set() (registry.Set, error) {
	set := registry.Set{Prompts: s.files.prompts, Outputs: map[string]json.RawMessage{}, Columns: map[string][]postgres.Column{}}
	s.held = nil
	sound := map[string]*catalog.Tool{}
	for _, t := range s.files.tools {
		v := s.verdict(t)
		last := s.sound[t.Name]
		switch reason := s.unmet(t); {
		case reason != "":
			if !v.told {
				s.log.Warn("tool not offered: its needs are not met", "tool", t.Name, "error", reason)
			}
			v.told = true
			set.Unavailable = append(set.Unavailable, registry.Trouble{Tool: t.Name, Reason: reason})
			continue
		case len(v.Faults) > 0 && !v.sound && last != nil && last.Path == t.Path:
			// An edit that the database refuses: the last version that it took stays.
			s.held = append(s.held, v.Faults.Error())
			t, v = last, s.verdict(last)
		case len(v.Faults) > 0 && !v.sound:
			set.Unavailable = append(set.Unavailable, registry.Trouble{Tool: t.Name, Reason: reasons(v.Faults)})
			continue
		}
		if v.sound {
			sound[t.Name] = t
		}
		if len(v.Faults) > 0 {
			set.Degraded = append(set.Degraded, registry.Trouble{Tool: t.Name, Reason: reasons(v.Faults)})
		}
		if err := s.add(&set, t, v); err != nil {
			return set, err
		}
	}
	s.sound = sound
	s.forget()
	set.ReloadError = s.shownReloadError()
	return set, nil
}

func (s *shelf) add(set *registry.Set, t *catalog.Tool, v *verdict) (err error) {
	output := v.Output
	if output == nil && embedded(t) {
		output, err = generatedOutput(t.Name)
	}
	set.Tools = append(set.Tools, t)
	set.Outputs[t.Name], set.Columns[t.Name] = output, v.Columns
	return err
}

// forget drops the verdicts on texts that are no longer on the shelf.
func (s *shelf) forget() {
	keep := map[string]*verdict{}
	for _, t := range s.files.tools {
		keep[verdictKey(t)] = s.verdict(t)
	}
	for _, t := range s.sound {
		keep[verdictKey(t)] = s.verdict(t)
	}
	s.verdicts = keep
}

// reasons words faults without the paths of the server's files.
func reasons(faults catalog.Faults) string {
	var all []string
	for _, f := range faults {
		all = append(all, fmt.Sprintf("line %d: %s", f.Line, f.Problem))
	}
	return strings.Join(all, "; ")
}

// refused are the faults of the tools that the database refuses.
func (s *shelf) refused() error {
	var faults catalog.Faults
	for _, t := range s.files.tools {
		faults = append(faults, s.verdict(t).Faults...)
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("not offered:\n%w", faults)
}

// shownReloadError is what clients read: without where the folders of the operator lie. What the database holds against the
// files before a fault may be mended by now.
func (s *shelf) shownReloadError() string {
	text := s.reloadError
	if text == "" {
		text = strings.Join(s.held, "\n")
	}
	for _, dir := range s.config.Tools {
		text = strings.ReplaceAll(text, strings.TrimSuffix(dir, "/")+"/", "")
	}
	return strings.TrimSpace(text)
}
