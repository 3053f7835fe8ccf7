package reload

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quietTime is how long files must be quiet before they are read: editors write in several steps.
	quietTime = 200 * time.Millisecond
	// The pause between two looks at tools that failed grows while the database is down or refuses them.
	leastPause = time.Second
	mostPause  = 20 * time.Second
)

// Watcher notices changes in folders of tool files, and of single files, such as that of permissions. Where the system
// has no more watches, only SIGHUP is left to have files read again.
type Watcher struct {
	dirs   []string // as given
	inside []string // the folders that hold tool files
	files  []string // such as the permissions
	fs     *fsnotify.Watcher
	events chan fsnotify.Event
	errors chan error
	log    *slog.Logger
}

// NewWatcher begins to watch. That must be before the files are read, or a change in between would go unnoticed.
// Close ends it. Empty names are left out.
func NewWatcher(log *slog.Logger, dirs []string, files ...string) *Watcher {
	w := &Watcher{log: log}
	for _, file := range files {
		if file != "" {
			w.files = append(w.files, absolute(file))
		}
	}
	if len(dirs) == 0 && len(w.files) == 0 {
		return w
	}
	for _, dir := range dirs {
		w.dirs = append(w.dirs, absolute(dir))
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		log.Warn("the files of --tools and --permissions are not watched: send SIGHUP after a change", "error", err)
		return w
	}
	w.fs, w.events, w.errors = notify, notify.Events, notify.Errors
	w.update()
	return w
}

// Close ends the watching.
func (w *Watcher) Close() {
	if w.fs != nil {
		_ = w.fs.Close() // the process ends, or never watched
	}
}

// update watches the folders as they are now, their toolsets, and the folders of notes; links are followed. The parent
// of each folder is watched too, because a folder that is replaced loses its watch.
func (w *Watcher) update() {
	if w.fs == nil {
		return
	}
	w.inside = nil
	var wanted []string
	for _, dir := range w.dirs {
		wanted = append(wanted, filepath.Dir(dir))
		w.inside = append(w.inside, resolved(dir))
		w.inside = append(w.inside, foldersIn(dir)...)
		w.inside = append(w.inside, foldersIn(filepath.Join(dir, "notes"))...)
	}
	wanted = append(wanted, w.inside...)
	for _, file := range w.files {
		wanted = append(wanted, filepath.Dir(file), filepath.Dir(resolved(file)))
	}
	for _, old := range w.fs.WatchList() {
		if !slices.Contains(wanted, old) {
			_ = w.fs.Remove(old) // it is gone already where the folder is
		}
	}
	for _, path := range wanted {
		if err := w.fs.Add(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			w.log.Warn("a folder is not watched: send SIGHUP after a change", "folder", path, "error", err)
		}
	}
}

// foldersIn are the folders in a folder, links resolved; none where it is no folder.
func foldersIn(dir string) (folders []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			folders = append(folders, resolved(path))
		}
	}
	return folders
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// resolved follows links, so that the folder behind them is watched.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

// concerns reports whether a change is one of a tool file, of notes, of a folder or of a single file, not of a
// temporary file of an editor. "..data" is the link that Kubernetes swaps.
func (w *Watcher) concerns(e fsnotify.Event) bool {
	if slices.Contains(w.dirs, e.Name) {
		return true
	}
	name := filepath.Base(e.Name)
	for _, file := range w.files {
		if e.Name == file || e.Name == resolved(file) || name == "..data" && filepath.Dir(e.Name) == filepath.Dir(file) {
			return true
		}
	}
	if !slices.Contains(w.inside, filepath.Dir(e.Name)) {
		return false // a neighbour of the folder
	}
	known := slices.Contains([]string{".sql", ".md", ".yaml", ".yml", ""}, filepath.Ext(name))
	return name == "..data" || !strings.HasPrefix(name, ".") && known
}

// Changes receives when the files have changed and are quiet, and after a hangup: it says whether there was one. It is
// closed when ctx has ended; until then it must be received from.
func (w *Watcher) Changes(ctx context.Context, hangup <-chan os.Signal) <-chan bool {
	changes := make(chan bool)
	go func() {
		defer close(changes)
		quiet := time.NewTimer(quietTime)
		quiet.Stop()
		var due chan<- bool // nil while there is nothing to say
		hung := false
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-w.events:
				if w.concerns(e) {
					quiet.Reset(quietTime)
				}
			case err := <-w.errors:
				w.log.Warn("watching files", "error", err)
				quiet.Reset(quietTime)
			case <-hangup:
				hung = true
				quiet.Reset(0)
			case <-quiet.C:
				w.update()
				due = changes
			case due <- hung:
				due, hung = nil, false
			}
		}
	}()
	return changes
}
