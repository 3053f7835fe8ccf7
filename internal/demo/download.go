package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloadVersion is the server that machines without PostgreSQL get.
const downloadVersion = embeddedpostgres.V17

// abandoned is the age at which an unfinished download belongs to nobody.
const abandoned = time.Hour

// download returns the directory of the downloaded binaries, fetching them the first time.
//
// The library takes no context: when ctx ends first, the transfer runs on unseen until it is done or the
// process exits, and cleans up after itself.
func download(ctx context.Context, cfg Config, owner account, log *slog.Logger) (string, error) {
	cache, err := cacheDir(cfg, owner)
	if err != nil {
		return "", err
	}
	server := filepath.Join(cache, "postgresql-"+string(downloadVersion))
	bin := filepath.Join(server, "bin")
	if hasServer(bin) {
		return bin, nil
	}
	log.InfoContext(ctx, "downloading PostgreSQL", "version", string(downloadVersion), "to", cache)
	fetched := make(chan error, 1)
	go func() { fetched <- fetch(cfg.RepositoryURL, cache, server) }()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case err := <-fetched:
		return bin, err
	}
}

// fetch downloads and unpacks beside the target and moves the whole into place, so that a directory named
// server is always complete.
func fetch(repository, cache, server string) error {
	removeAbandoned(cache)
	work, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return fmt.Errorf("making a directory for the download: %w", err)
	}
	defer os.RemoveAll(work)
	unpacked := filepath.Join(work, "server")
	if err := unpack(repository, work, unpacked); err != nil {
		return err
	}
	if err := makeReadable(unpacked); err != nil {
		return err
	}
	if err := os.Rename(unpacked, server); err != nil && !hasServer(filepath.Join(server, "bin")) {
		return fmt.Errorf("keeping the download: %w", err)
	}
	return nil
}

// unpack uses the library for what it does well, finding the archive for this machine, verifying and unpacking
// it. The library can only do so as the first steps of a server start, which would refuse to run as root and
// could not be watched; so its data directory is one that can't be made ("." at the end), and it returns there.
func unpack(repository, work, target string) error {
	cfg := embeddedpostgres.DefaultConfig().
		Version(downloadVersion).
		Port(0). // any free one satisfies its check
		Logger(io.Discard).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(target).
		DataPath(filepath.Join(work, "never") + string(filepath.Separator) + ".")
	if repository != "" {
		cfg = cfg.BinaryRepositoryURL(repository)
	}
	err := embeddedpostgres.NewDatabase(cfg).Start()
	if hasServer(filepath.Join(target, "bin")) {
		return nil
	}
	return cmp.Or(err, errors.New("unpacking the download: no initdb and postgres in it"))
}

// cacheDir is the first directory to keep a server in that its user can enter.
func cacheDir(cfg Config, owner account) (string, error) {
	dirs := []string{cfg.CacheDir}
	if cfg.CacheDir == "" {
		dirs = []string{"/var/cache/mcp-postgres"}
		if user, err := os.UserCacheDir(); err == nil {
			dirs = []string{filepath.Join(user, "mcp-postgres"), dirs[0]}
		}
	}
	var faults []error
	for _, dir := range dirs {
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = owner.canEnter(dir)
		}
		if err == nil {
			return dir, nil
		}
		faults = append(faults, err)
	}
	return "", fmt.Errorf("finding a directory for the download: %w", errors.Join(faults...))
}

// makeReadable undoes a strict umask: the server may run as another user than the one that unpacked it.
func makeReadable(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		readable := info.Mode().Perm() | 0o444
		if info.IsDir() || readable&0o100 != 0 {
			readable |= 0o111
		}
		return os.Chmod(path, readable)
	})
}

// removeAbandoned clears away the downloads of processes that were killed.
func removeAbandoned(cache string) {
	dirs, _ := filepath.Glob(filepath.Join(cache, "unpack-*"))
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > abandoned {
			os.RemoveAll(dir)
		}
	}
}
