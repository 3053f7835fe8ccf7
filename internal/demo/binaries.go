package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ErrNotInstalled is the error of Installed when no place holds the server binaries.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed")

// advice ends every message about missing binaries.
const advice = "install one, e.g. with `apt-get install postgresql` or `brew install postgresql`"

// inPath stands among the patterns for the directories of PATH.
const inPath = "$PATH"

// usualPlaces are the directories that packages put initdb and postgres in, best first.
func usualPlaces() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",
		inPath,
		"/opt/homebrew/opt/postgresql*/bin",
		"/usr/local/opt/postgresql*/bin",
		"/Applications/Postgres.app/Contents/Versions/*/bin",
		"/usr/pgsql-*/bin",
	}
}

// binaries is the directory to run initdb and postgres from: the one asked for, an installed or a downloaded one.
func binaries(ctx context.Context, cfg Config, owner account, log *slog.Logger) (string, error) {
	if cfg.BinDir != "" {
		return Installed([]string{cfg.BinDir})
	}
	dir, missing := Installed(cfg.Search)
	if missing == nil {
		return dir, nil
	}
	dir, err := download(ctx, cfg, owner, log)
	if err != nil {
		return "", fmt.Errorf("%w, and downloading one did not work: %w", missing, err)
	}
	return dir, nil
}

// Installed is the directory of the installed server binaries, the newest version of the first of some places that has
// any; nil are the usual ones. Without one the error wraps ErrNotInstalled and names the places.
func Installed(places []string) (string, error) {
	if places == nil {
		places = usualPlaces()
	}
	for _, place := range places {
		dirs := candidates(place)
		slices.SortStableFunc(dirs, func(a, b string) int { return slices.Compare(version(b), version(a)) })
		if i := slices.IndexFunc(dirs, hasServer); i >= 0 {
			return dirs[i], nil
		}
	}
	return "", fmt.Errorf("%w (searched %s): %s", ErrNotInstalled, strings.Join(places, ", "), advice)
}

// candidates are the directories that a place stands for.
func candidates(place string) []string {
	if place != inPath {
		dirs, _ := filepath.Glob(place) // a bad pattern finds nothing
		return dirs
	}
	program, err := exec.LookPath("initdb")
	if err != nil {
		return nil
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil
	}
	return []string{filepath.Dir(program)}
}

func hasServer(dir string) bool {
	return !slices.ContainsFunc([]string{"initdb", "postgres"}, func(program string) bool {
		info, err := os.Stat(filepath.Join(dir, program))
		return err != nil || info.IsDir()
	})
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)*`)

// version is the last version number in a path: /usr/lib/postgresql/9.6/bin is 9, 6. A path without one sorts last.
func version(path string) []int {
	found := versionNumber.FindAllString(path, -1)
	if len(found) == 0 {
		return nil
	}
	var numbers []int
	for part := range strings.SplitSeq(found[len(found)-1], ".") {
		n, _ := strconv.Atoi(part) // digits only
		numbers = append(numbers, n)
	}
	return numbers
}
