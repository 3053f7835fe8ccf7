package demo_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
)

// repository serves the same archive for every version, as Maven repositories do.
func repository(t *testing.T, jar []byte) (url string, downloads *atomic.Int32) {
	t.Helper()
	downloads = new(atomic.Int32)
	sum := sha256.Sum256(jar)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, ".jar"):
			downloads.Add(1)
			w.Write(jar)
		case strings.HasSuffix(r.URL.Path, ".jar.sha256"):
			w.Write([]byte(hex.EncodeToString(sum[:])))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, downloads
}

// archive packs the installed programs as the published ones are: a tar in xz in a zip.
func archive(t *testing.T, bin string) []byte {
	t.Helper()
	xz := exec.Command("xz", "-0", "--stdout")
	if xz.Err != nil {
		t.Skip(xz.Err)
	}
	xz.Stdin = bytes.NewReader(tarball(t, bin))
	packed, err := xz.Output()
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	entry, err := z.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	_, writeErr := entry.Write(packed)
	if err := errors.Join(writeErr, z.Close()); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

func tarball(t *testing.T, bin string) []byte {
	t.Helper()
	root := filepath.Dir(bin)
	if root == "/usr" {
		t.Skip("the programs of this system run nowhere else")
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	files := []string{"bin/initdb", "bin/pg_ctl", "bin/postgres"}
	for _, dir := range []string{"lib", "share"} { // Debian's share is elsewhere and found from everywhere
		files = append(files, filesBelow(t, root, dir)...)
	}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		// 0700: the download must be made readable for the server's user.
		headerErr := w.WriteHeader(&tar.Header{Name: name, Mode: 0o700, Size: int64(len(content)), Typeflag: tar.TypeReg})
		_, writeErr := w.Write(content)
		if err := errors.Join(headerErr, writeErr); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// filesBelow are the files in a directory of root, which need not be there.
func filesBelow(t *testing.T, root, dir string) []string {
	t.Helper()
	var files []string
	err := fs.WalkDir(os.DirFS(root), dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

func TestDownload(t *testing.T) {
	url, downloads := repository(t, archive(t, needServer(t)))
	cache := openDir(t, "/tmp")
	for range 2 {
		c := start(t, demo.Config{Search: []string{"/nowhere/*"}, CacheDir: cache, RepositoryURL: url})
		if got := value(t, c.URL(), "SELECT current_user"); got != "demo" {
			t.Errorf("current_user on a downloaded server = %q, want demo", got)
		}
	}
	if got := downloads.Load(); got != 1 {
		t.Errorf("downloads for two starts = %d, want 1", got)
	}
	if got := entries(t, cache); len(got) != 1 {
		t.Errorf("kept of the download = %q, want one directory", got)
	}
}

func TestDownloadFails(t *testing.T) {
	noArchive := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(noArchive.Close)
	notAnArchive, _ := repository(t, []byte("not a zip"))
	for _, tt := range []struct{ name, url, want string }{
		{"no archive for this machine", noArchive.URL, "no version found"},
		{"nobody there", "http://127.0.0.1:1", "unable to connect"},
		{"rubbish", notAnArchive, "error fetching postgres"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cache := openDir(t, "/tmp")
			_, err := demo.Start(t.Context(), demo.Config{Search: []string{"/nowhere/*"}, CacheDir: cache, RepositoryURL: tt.url})
			if !errors.Is(err, demo.ErrNotInstalled) {
				t.Fatalf("Start(RepositoryURL: %s) = %v, want %v", tt.name, err, demo.ErrNotInstalled)
			}
			for _, want := range []string{tt.want, "searched /nowhere/*", "apt-get install postgresql"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Start(RepositoryURL: %s) = %q, want it to say %q", tt.name, err, want)
				}
			}
			if got := entries(t, cache); len(got) > 0 {
				t.Errorf("left in the cache: %q, want nothing", got)
			}
		})
	}
}

func TestDownloadCanBeCancelled(t *testing.T) {
	released := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-released }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(released) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := demo.Start(ctx, demo.Config{Search: []string{"/nowhere/*"}, CacheDir: openDir(t, "/tmp"), RepositoryURL: slow.URL})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("Start(cancelled download) = %v after %v, want %v at once", err, time.Since(began), context.DeadlineExceeded)
	}
}
