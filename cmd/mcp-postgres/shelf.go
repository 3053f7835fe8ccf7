package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
	"mcp-postgres/registry"
)

const (
	// describeWait bounds how long a start or a reload waits for the database to describe tools.
	describeWait = 5 * time.Second
	// describeAtOnce is how many tools are described at a time; a few take less time one by one than it takes to connect.
	describeAtOnce = 4
)

// shelf decides which tools are offered: what the files say, as far as the database goes along. One goroutine uses it; only
// suspect may be called by others.
type shelf struct {
	config   *config.Config
	log      *slog.Logger
	db       registry.Describer
	registry *registry.Registry
	// reloaded, if set, is told how each reading of the files ended.
	reloaded func(error)
	// reread, if set, reads the permissions again.
	reread func()
	// compare, if set, holds the permissions against the files, after each reading of them.
	compare func()

	files       *files                   // of the last reload without faults
	verdicts    map[string]*verdict      // by verdictKey
	sound       map[string]*catalog.Tool // by name: what was last offered with the consent of the database
	facts       *facts                   // nil until the database has told them
	reloadError string
	held        []string // faults of edited tools, whose last sound version is offered
	none, down  bool     // there is no database at all, or it did not answer when last asked

	mu       sync.Mutex
	suspects map[string]bool // names of tools to ask about again
	wake     chan struct{}
}

// verdict is what the database says of one text of a tool file.
type verdict struct {
	registry.Description
	asked bool // the database has answered
	again bool // it is to be asked again
	sound bool // it has had no fault so far, or had none at some time
	told  bool // the log has what the tool needs
}

// facts are what the requirements of tools are compared with.
type facts struct {
	version    int
	extensions []string
}

func newShelf(c *config.Config, db registry.Describer, found *files, log *slog.Logger) *shelf {
	return &shelf{config: c, log: log, db: db, files: found, verdicts: map[string]*verdict{}, sound: map[string]*catalog.Tool{},
		suspects: map[string]bool{}, wake: make(chan struct{}, 1)}
}

// suspect asks for another look at a tool; it does not block.
func (s *shelf) suspect(tool string) {
	s.mu.Lock()
	s.suspects[tool] = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func verdictKey(t *catalog.Tool) string { return t.Path + "\x00" + t.Text() }

func (s *shelf) verdict(t *catalog.Tool) *verdict {
	key := verdictKey(t)
	if s.verdicts[key] == nil {
		// Embedded tools come with their schemas: only one that fails is asked about.
		s.verdicts[key] = &verdict{asked: embedded(t), sound: embedded(t)}
	}
	return s.verdicts[key]
}

// reload reads the files again. With faults the tools stay as they are.
func (s *shelf) reload(ctx context.Context) {
	if s.compare != nil {
		defer s.compare()
	}
	found, err := loadFiles(s.config, observe.Warnings(s.log))
	if s.reloaded != nil {
		s.reloaded(err)
	}
	if err != nil {
		if s.reloadError != err.Error() {
			s.log.Error("reload refused: the tools stay as they are", "error", err)
		}
		s.reloadError = err.Error()
		s.offer()
		return
	}
	old := s.files
	s.files, s.reloadError = found, ""
	s.ask(ctx)
	if change := changes(old, found); change != "" {
		s.log.Info("tools reloaded", "changed", change)
	}
	s.offer()
}

// changes lists the names of tools whose file is new, gone or another.
func changes(old, found *files) string {
	texts := map[string]string{}
	for _, t := range old.tools {
		texts[t.Name] = verdictKey(t)
	}
	var names []string
	for _, t := range found.tools {
		if texts[t.Name] != verdictKey(t) {
			names = append(names, t.Name)
		}
		delete(texts, t.Name)
	}
	for name := range texts {
		names = append(names, "-"+name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// ask lets the database describe the tools that it has not, that it refused, and that are under suspicion. It reports
// whether the database answered.
func (s *shelf) ask(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, describeWait)
	defer cancel()
	s.mu.Lock()
	suspects := s.suspects
	s.suspects = map[string]bool{}
	s.mu.Unlock()
	var tools []*catalog.Tool
	for _, t := range s.files.tools {
		v := s.verdict(t)
		v.again = v.again || suspects[t.Name]
		if !v.asked || v.again || len(v.Faults) > 0 {
			tools = append(tools, t)
		}
	}
	err := s.askFacts(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(min(describeAtOnce, 1+len(tools)/4))
	for _, t := range tools {
		v := s.verdict(t)
		if s.unmet(t) != "" || err != nil {
			continue
		}
		group.Go(func() error { return s.askAbout(ctx, t, v) })
	}
	err = errors.Join(err, group.Wait())
	s.none = errors.Is(err, postgres.ErrNoDatabase)
	if err != nil && !s.none && !s.down {
		s.log.Warn("tools offered without an output schema: the database did not describe them", "error", err)
	}
	s.down = err != nil
	return err == nil
}

func (s *shelf) askAbout(ctx context.Context, t *catalog.Tool, v *verdict) error {
	d, err := registry.Describe(ctx, s.db, t, s.config.ReadOnly)
	if err != nil {
		return err
	}
	before := v.Faults.Error()
	if len(d.Faults) > 0 {
		d.Columns, d.Output = v.Columns, v.Output // a degraded tool looks as it did
	}
	v.Description, v.asked, v.again = d, true, false
	switch {
	case len(d.Faults) == 0:
		if before != "" {
			s.log.Info("tool fits the database again", "tool", t.Name)
		}
		v.sound = true
	case d.Faults.Error() != before && v.sound:
		s.log.Warn("tool degraded: it no longer fits the database", "tool", t.Name, "error", d.Faults)
	case d.Faults.Error() == before:
	case s.sound[t.Name] != nil && s.sound[t.Name].Path == t.Path:
		s.log.Error("edit of a tool refused: its last version stays", "tool", t.Name, "error", d.Faults)
	default:
		s.log.Warn("tool not offered: the database refuses it", "tool", t.Name, "error", d.Faults)
	}
	return nil
}

// askFacts asks for what requirements are compared with, as long as one is not met.
func (s *shelf) askFacts(ctx context.Context) error {
	wanted := false
	for _, t := range s.files.tools {
		needs := t.Requires.ServerVersion > 0 || len(t.Requires.Extensions) > 0
		wanted = wanted || needs && (s.facts == nil || s.unmet(t) != "")
	}
	if !wanted {
		return nil
	}
	version, extensions, err := registry.Facts(ctx, s.db)
	if err == nil {
		s.facts = &facts{version, extensions}
	}
	return err
}

// unmet says what a tool needs that the database does not have; empty also while that is not known.
func (s *shelf) unmet(t *catalog.Tool) string {
	if s.facts == nil {
		return ""
	}
	return t.Requires.Unmet(s.facts.version, s.facts.extensions)
}

// doubt asks for another look at all tools of the operator.
func (s *shelf) doubt() {
	for _, t := range s.files.tools {
		s.verdict(t).again = !embedded(t)
	}
}

// settled reports that nothing is left to do: the files are in use, the database has described all tools and refuses none.
func (s *shelf) settled() bool {
	if s.reloadError != "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.none || len(s.suspects) == 0 && !slices.ContainsFunc(s.files.tools, func(t *catalog.Tool) bool {
		v := s.verdict(t)
		return !v.asked || v.again || len(v.Faults) > 0 || s.unmet(t) != ""
	})
}
