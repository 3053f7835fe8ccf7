// Package reload keeps what a server offers in step with the tool files, the permissions and the database. Where a
// change has faults, the last good version stays.
package reload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/config"
	"mcp-postgres/internal/faults"
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

// Config says what to keep in step. All fields must be set.
type Config struct {
	DB *postgres.DB
	// Registry is that of the registry that New builds, but for DB and Recheck.
	Registry registry.Config
	// Database is what the settings say of DB; see Reconciler.Update.
	Database    config.Database
	Files       *Files
	Permissions *Permissions
	Logger      *slog.Logger
}

// Reconciler gives the registry what is to be offered: the tools of the files, as far as the database takes them. One
// goroutine uses it.
type Reconciler struct {
	config   Config
	log      *slog.Logger
	registry *registry.Registry

	of           atomic.Pointer[config.Database]
	served       *registry.Databases      // with which the registry is served
	files        *Files                   // as last read without faults
	filesErr     error                    // of the last reading
	descriptions map[string]*description  // by the text of a tool
	databaseErr  error                    // of the last time that the database was asked
	features     *catalog.Features        // nil until the database has answered
	lastGood     map[string]*catalog.Tool // by path: the last text that the database took
	problems     map[string]problem       // by the name of a tool
	notesOf      *Files                   // whose notes were held against the database
	warned       map[string]string        // by role: the tools in it that the log has named as not existing
}

// description is what the database says of one text of a tool file.
type description struct {
	registry.Description
	pending bool // the database is to be asked, for the first time or again
}

// problem keeps the text of a tool from being offered as it is.
type problem struct{ what, text, reason string }

// What can be wrong with a tool, as the log says it.
const (
	unmet    = "tool not offered: its needs are not met"
	refused  = "tool not offered: the database refuses it"
	keptBack = "edit of a tool refused: its last version stays"
	degraded = "tool degraded: it no longer fits the database"
)

// New has the database describe the tools, and builds the registry that offers them. A database that does not answer
// keeps no tool back.
func New(ctx context.Context, c Config) (*Reconciler, error) {
	c.Registry.DB, c.Registry.Recheck = c.DB, registry.NewRecheck()
	r := &Reconciler{config: c, log: c.Logger, files: c.Files, descriptions: map[string]*description{}}
	r.Update(c.Database)
	r.describe(ctx)
	set, err := r.next()
	if err == nil {
		r.registry, err = registry.Build(c.Registry, set)
	}
	return r, err
}

// Registry offers the tools.
func (r *Reconciler) Registry() *registry.Registry { return r.registry }

// Update says what the settings have of the database now.
func (r *Reconciler) Update(of config.Database) { r.of.Store(&of) }

func (r *Reconciler) settings() *config.Config { return r.of.Load().Settings }

// Serve says with which others the registry is served, before Watch.
func (r *Reconciler) Serve(all *registry.Databases) {
	r.served = all
	name := r.of.Load().Name
	pools := map[string]observe.Pool{cmp.Or(name, "shared"): r.config.DB}
	r.config.Registry.Observer.Metrics.SetPools("database "+name, pools)
}

// Files are those in use.
func (r *Reconciler) Files() *Files { return r.files }

// Refused are the faults of the tools that the database refuses.
func (r *Reconciler) Refused() error {
	var found faults.List
	for _, t := range r.files.Tools {
		found = append(found, r.description(t).Faults...)
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("not offered:\n%w", found)
}

func textOf(t *catalog.Tool) string { return t.Path + "\x00" + t.Text() }

func (r *Reconciler) description(t *catalog.Tool) *description {
	text := textOf(t)
	if r.descriptions[text] == nil {
		r.descriptions[text] = &description{pending: !embedded(t)} // embedded tools come with their schemas
	}
	return r.descriptions[text]
}

// Watch keeps what is offered in step until ctx ends. On a hangup it reads the files again, and has all tools of the
// operator described again.
func (r *Reconciler) Watch(ctx context.Context, w *Watcher, hangup <-chan os.Signal) {
	pause, due, changes := leastPause, time.NewTimer(leastPause), w.Changes(ctx, hangup)
	wait := func(d time.Duration) {
		pause = d
		due.Reset(d)
	}
	for {
		if r.settled() {
			due.Stop()
			pause = mostPause
		}
		select {
		case hung, ok := <-changes:
			if !ok {
				return
			}
			if hung {
				r.recheck(nil)
			}
			r.reload(ctx)
			wait(leastPause)
		case <-r.config.Registry.Recheck.Added():
			r.recheck(r.config.Registry.Recheck.Take())
			if pause > leastPause { // else the next look is near, and is not put off
				wait(leastPause)
			}
		case <-due.C:
			r.retry(ctx)
			wait(min(2*pause, mostPause))
		}
	}
}

// reload reads the permissions and the files again. With faults the tools stay as they are.
func (r *Reconciler) reload(ctx context.Context) {
	r.config.Permissions.reload(ctx, r.served, r.config.Registry.Observer.Metrics)
	found, err := Load(*r.of.Load(), slog.New(slog.DiscardHandler))
	r.config.Registry.Observer.Metrics.Reload(err)
	if err != nil {
		if r.filesErr == nil || r.filesErr.Error() != err.Error() {
			r.log.Error("reload refused: the tools stay as they are", "error", err)
		}
		r.filesErr = err
	} else {
		changed := changes(r.files, found)
		r.files, r.filesErr = found, nil
		r.describe(ctx)
		if changed != "" {
			r.log.Info("tools reloaded", "changed", changed)
		}
	}
	r.replace()
	r.WarnOfUnknownTools()
}

// changes lists the names of tools whose file is new, gone or another, and says whether notes are.
func changes(old, found *Files) string {
	texts := map[string]string{}
	for _, t := range old.Tools {
		texts[t.Name] = textOf(t)
	}
	var names []string
	for _, t := range found.Tools {
		if texts[t.Name] != textOf(t) {
			names = append(names, t.Name)
		}
		delete(texts, t.Name)
	}
	for name := range texts {
		names = append(names, "-"+name)
	}
	slices.Sort(names)
	if !slices.Equal(old.Notes, found.Notes) {
		names = append(names, "notes")
	}
	return strings.Join(names, " ")
}

// recheck has tools described again, by their names; nil stands for all of the operator.
func (r *Reconciler) recheck(names map[string]bool) {
	for _, t := range r.files.Tools {
		if names[t.Name] || names == nil && !embedded(t) {
			r.description(t).pending = true
		}
	}
}

// retry looks again at what failed.
func (r *Reconciler) retry(ctx context.Context) {
	if r.filesErr != nil {
		r.reload(ctx)
	} else if r.describe(ctx) {
		r.replace()
	}
}

// settled reports that nothing is left to do: the files are in use, and the database has described all tools and
// refuses none. Without a database there is nothing to wait for.
func (r *Reconciler) settled() bool {
	pending := func(t *catalog.Tool) bool { return r.description(t).pending }
	return r.filesErr == nil && (errors.Is(r.databaseErr, postgres.ErrNoDatabase) ||
		r.databaseErr == nil && len(r.problems) == 0 && !slices.ContainsFunc(r.files.Tools, pending))
}

// describe asks the database about the tools that it has not described, or refuses. It reports whether the database
// answered.
func (r *Reconciler) describe(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, describeWait)
	defer cancel()
	err := r.askFeatures(ctx)
	var tools []*catalog.Tool
	for _, t := range r.files.Tools {
		if d := r.description(t); err == nil && r.unmet(t) == "" && (d.pending || len(d.Faults) > 0) {
			tools = append(tools, t)
		}
	}
	group, asking := errgroup.WithContext(ctx) // which ends with the group
	group.SetLimit(min(describeAtOnce, 1+len(tools)/4))
	for _, t := range tools {
		group.Go(func() error { return r.describeTool(asking, t) })
	}
	err = errors.Join(err, group.Wait())
	if err == nil {
		r.checkNotes(ctx)
	}
	if err != nil && r.databaseErr == nil && !errors.Is(err, postgres.ErrNoDatabase) {
		r.log.Warn("tools offered without an output schema: the database did not describe them", "error", err)
	}
	r.databaseErr = err
	return err == nil
}

func (r *Reconciler) describeTool(ctx context.Context, t *catalog.Tool) error {
	found, err := registry.Describe(ctx, r.config.DB, t, r.settings().ReadOnly)
	if err != nil {
		return err
	}
	d := r.description(t)
	if len(found.Faults) > 0 {
		found.Columns, found.Output = d.Columns, d.Output // a degraded tool looks as it did
	}
	*d = description{Description: found}
	return nil
}

// checkNotes warns of the notes on objects that the database does not have, once for each reading of the files. With
// several databases those for all are left out: the objects may be in another one. A database that does not answer is
// asked the next time.
func (r *Reconciler) checkNotes(ctx context.Context) {
	if r.notesOf == r.files {
		return
	}
	unknown, err := registry.UnknownNotes(ctx, r.config.DB, r.files.Notes, 0, len(r.of.Load().Names) > 1)
	if err != nil {
		return
	}
	r.notesOf = r.files
	unknown = slices.DeleteFunc(unknown, func(f faults.Fault) bool { return f.Rule != "" })
	if n := len(unknown); n > 0 {
		r.log.Warn("notes on objects that the database does not have", "count", n, "first", unknown[0].String())
	}
}

// askFeatures asks for what requirements are compared with, as long as one is not met.
func (r *Reconciler) askFeatures(ctx context.Context) error {
	if !slices.ContainsFunc(r.files.Tools, func(t *catalog.Tool) bool {
		needs := t.Requires.ServerVersion > 0 || len(t.Requires.Extensions) > 0
		return needs && (r.features == nil || r.unmet(t) != "")
	}) {
		return nil
	}
	features, err := registry.Features(ctx, r.config.DB)
	if err == nil {
		r.features = features
	}
	return err
}

// unmet says what a tool needs that the database does not have; empty also while that is not known.
func (r *Reconciler) unmet(t *catalog.Tool) string {
	if r.features == nil {
		return ""
	}
	return t.Requires.Unmet(r.features)
}

func (r *Reconciler) replace() {
	set, err := r.next()
	if err == nil {
		err = r.registry.Replace(set)
	}
	if err != nil {
		r.log.Error("tools not replaced", "error", err)
	}
}

// next is what is to be offered now. What is said of texts that are neither in a file nor offered is forgotten.
func (r *Reconciler) next() (registry.Set, error) {
	set := registry.Set{
		Prompts: r.files.Prompts, Notes: r.files.Notes, Outputs: map[string]json.RawMessage{},
		Columns: map[string][]postgres.Column{}}
	lastGood, problems, descriptions := map[string]*catalog.Tool{}, map[string]problem{}, map[string]*description{}
	var kept []string
	for _, t := range r.files.Tools {
		offered, d, last := t, r.description(t), r.lastGood[t.Path]
		descriptions[textOf(t)] = d
		p := r.problem(t, d, last)
		r.logProblem(t.Name, p)
		if p.what != "" {
			problems[t.Name] = p
		}
		trouble := registry.Trouble{Tool: t.Name, Reason: p.shown(d)}
		switch p.what {
		case unmet, refused:
			set.Unavailable = append(set.Unavailable, trouble)
			continue
		case keptBack:
			kept = append(kept, p.reason)
			offered, d = last, r.description(last)
		case degraded:
			set.Degraded = append(set.Degraded, trouble)
		default:
			if !d.pending {
				last = t
			}
		}
		if last != nil {
			lastGood[t.Path], descriptions[textOf(last)] = last, r.description(last)
		}
		if err := add(&set, offered, d); err != nil {
			return set, err
		}
	}
	r.lastGood, r.problems, r.descriptions = lastGood, problems, descriptions
	set.ReloadError = r.shownError(kept)
	return set, nil
}

// problem says what is wrong with a tool whose last good version is last; nothing where it can be offered.
func (r *Reconciler) problem(t *catalog.Tool, d *description, last *catalog.Tool) problem {
	if reason := r.unmet(t); reason != "" {
		return problem{unmet, textOf(t), reason}
	}
	p := problem{text: textOf(t), reason: d.Faults.Error()}
	switch {
	case len(d.Faults) == 0:
		return problem{}
	case last == nil:
		p.what = refused
	case textOf(last) == p.text:
		p.what = degraded
	default:
		p.what = keptBack
	}
	return p
}

// shown is the reason as clients read it: without the paths of the server's files.
func (p problem) shown(d *description) string {
	if p.what == unmet {
		return p.reason
	}
	var all []string
	for _, f := range d.Faults {
		all = append(all, fmt.Sprintf("line %d: %s", f.Line, f.Problem))
	}
	return strings.Join(all, "; ")
}

// logProblem logs what is new.
func (r *Reconciler) logProblem(tool string, p problem) {
	switch old := r.problems[tool]; {
	case p == old:
	case p.what == "":
		r.log.Info("tool fits the database again", "tool", tool)
	case p.what == keptBack:
		r.log.Error(p.what, "tool", tool, "error", p.reason)
	default:
		r.log.Warn(p.what, "tool", tool, "error", p.reason)
	}
}

func add(set *registry.Set, t *catalog.Tool, d *description) (err error) {
	output := d.Output
	if output == nil && embedded(t) {
		output, err = generatedOutput(t.Name)
	}
	set.Tools = append(set.Tools, t)
	set.Outputs[t.Name], set.Columns[t.Name] = output, d.Columns
	return err
}

// shownError is why the tools are not those of the files, as clients read it: without where the operator's folders
// are. What the database says of older texts does not count while the files have faults.
func (r *Reconciler) shownError(kept []string) string {
	text := strings.Join(kept, "\n")
	if r.filesErr != nil {
		text = r.filesErr.Error()
	}
	for _, dir := range r.settings().Tools {
		text = strings.ReplaceAll(text, strings.TrimSuffix(dir, "/")+"/", "")
	}
	return strings.TrimSpace(text)
}
