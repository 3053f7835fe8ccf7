package demo_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mcp-postgres/internal/demo"
)

// fakeServer makes a directory whose initdb only says who it is.
func fakeServer(t *testing.T, dir string, programs ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, program := range programs {
		script := "#!/bin/sh\necho \"this is $0\"\nexit 1\n"
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSearchPrefersTheFirstPlaceAndItsNewestVersion(t *testing.T) {
	root := openDir(t, "/tmp")
	fakeServer(t, filepath.Join(root, "deb/9.6/bin"), "initdb", "postgres")
	fakeServer(t, filepath.Join(root, "deb/14/bin"), "initdb", "postgres")
	fakeServer(t, filepath.Join(root, "deb/17/bin"), "initdb") // a client package may leave half of it
	fakeServer(t, filepath.Join(root, "brew/postgresql@16/bin"), "initdb", "postgres")
	fakeServer(t, filepath.Join(root, "path"), "initdb", "postgres")
	t.Setenv("PATH", filepath.Join(root, "path")+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, tt := range []struct {
		name   string
		search []string
		want   string
	}{
		{"numbers, not letters", []string{"deb/*/bin", "brew/*/bin"}, "deb/14/bin"},
		{"first place", []string{"none/*/bin", "brew/*/bin", "deb/*/bin"}, "brew/postgresql@16/bin"},
		{"PATH", []string{"none/*/bin", "$PATH", "deb/*/bin"}, "path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var search []string
			for _, place := range tt.search {
				if place != "$PATH" {
					place = filepath.Join(root, place)
				}
				search = append(search, place)
			}
			_, err := demo.Start(t.Context(), demo.Config{Search: search})
			want := "this is " + filepath.Join(root, tt.want, "initdb")
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Start(%v) = %v, want the words of initdb: %s", tt.search, err, want)
			}
		})
	}
}

func TestMissingBinaries(t *testing.T) {
	_, err := demo.Start(t.Context(), demo.Config{BinDir: "/nowhere/bin"})
	if !errors.Is(err, demo.ErrNotInstalled) {
		t.Fatalf("Start(BinDir: /nowhere/bin) = %v, want %v", err, demo.ErrNotInstalled)
	}
	for _, want := range []string{"searched /nowhere/bin", "apt-get install postgresql"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Start(BinDir: /nowhere/bin) = %q, want it to say %q", err, want)
		}
	}
}
