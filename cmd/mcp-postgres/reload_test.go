package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/internal/demo"
	"mcp-postgres/internal/test/pgtest"
)

// watcherClient is a client of the library on a server that serves a folder.
type watcherClient struct {
	t       *testing.T
	c       *client.Client
	changed chan struct{}
	dir     string
}

func watched(t *testing.T, url, dir string) *watcherClient {
	t.Helper()
	w := &watcherClient{t: t, changed: make(chan struct{}, 100), dir: dir}
	var err error
	w.c, err = client.NewStdioMCPClient(self(t), environment("DATABASE_URL="+url, asProgram+"=1"), "--tools", dir, "--log-level", "error")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.c.Close() })
	w.c.OnNotification(func(n mcp.JSONRPCNotification) {
		if n.Method == "notifications/tools/list_changed" {
			w.changed <- struct{}{}
		}
	})
	if err := w.c.Start(t.Context()); err != nil { // it has started; this lets notifications through
		t.Fatal(err)
	}
	hello := mcp.InitializeRequest{}
	hello.Params.ProtocolVersion = mcp.LATEST_LEGACY_PROTOCOL_VERSION // later ones want a subscription to be told of changes
	if _, err := w.c.Initialize(t.Context(), hello); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *watcherClient) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// awaitChange waits for list_changed.
func (w *watcherClient) awaitChange(what string) {
	w.t.Helper()
	select {
	case <-w.changed:
	case <-time.After(20 * time.Second):
		w.t.Fatalf("%s: no list_changed; server_info is %s", what, w.call("server_info", nil))
	}
}

// await asks server_info until it is as wanted; nothing must be told to have changed meanwhile.
func (w *watcherClient) await(what string, holds func(info status) bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var info status
		text := w.call("server_info", nil)
		if err := json.Unmarshal([]byte(text), &info); err != nil {
			w.t.Fatal(err)
		}
		if holds(info) {
			break
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: server_info is %s", what, text)
		}
	}
	if len(w.changed) > 0 {
		w.t.Errorf("%s: list_changed, want none", what)
	}
}

// status is what the tests look at of server_info.
type status struct {
	Tools                 []string
	Unavailable, Degraded []struct{ Tool, Reason string }
	ReloadError           string `json:"reload_error"`
}

func (w *watcherClient) call(name string, args map[string]any) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	req := mcp.CallToolRequest{}
	req.Params.Name, req.Params.Arguments = name, args
	res, err := w.c.CallTool(ctx, req)
	if err != nil {
		return "protocol error: " + err.Error()
	}
	if res.IsError {
		return res.Content[0].(mcp.TextContent).Text
	}
	if body, err := json.Marshal(res.StructuredContent); err == nil && res.StructuredContent != nil {
		return string(body)
	}
	return ""
}

func (w *watcherClient) names() []string {
	w.t.Helper()
	list, err := w.c.ListTools(w.t.Context(), mcp.ListToolsRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

func (w *watcherClient) wantTool(name string, want bool) {
	w.t.Helper()
	if names := w.names(); slices.Contains(names, name) != want {
		w.t.Errorf("tools/list gives %v, want %s in it: %v", names, name, want)
	}
}

func TestReloadOfNotes(t *testing.T) {
	w := watched(t, pgtest.Demo(t), t.TempDir())
	comment := func(want string) func(status) bool {
		return func(info status) bool {
			return info.ReloadError == "" && strings.Contains(w.call("list_schemas", nil), `"comment":"What we sell, to whom, and what they ordered`+want+`"`)
		}
	}
	w.await("no notes", comment(""))
	w.write("notes/shop.yaml", "shop: Since 2019\n")
	w.await("a note", comment(" | Since 2019"))
	w.write("notes/shop.yaml", "shop: Since 2020\n")
	w.await("another text", comment(" | Since 2020"))
	w.write("notes/shop.yaml", "shop: 2021\n")
	w.await("a fault", func(info status) bool {
		return info.ReloadError == "loading notes:\nnotes/shop.yaml:1:7: the note on shop is the number 2021: want text, in quotes: \"2021\""
	})
	if got := w.call("list_schemas", nil); !strings.Contains(got, " | Since 2020") {
		t.Errorf("list_schemas = %s, want the last good notes", got)
	}
	if err := os.Remove(filepath.Join(w.dir, "notes/shop.yaml")); err != nil {
		t.Fatal(err)
	}
	w.await("no file", comment(""))
}

const (
	oneTool   = "/*---\ndescription: One.\nresult: value\n---*/\nSELECT 1"
	otherTool = "/*---\ndescription: One.\nresult: value\n---*/\nSELECT 2"
)

func TestReload(t *testing.T) {
	w := watched(t, pgtest.Demo(t), t.TempDir())
	w.write("sales/one.sql", oneTool)
	w.awaitChange("a file in a new folder")
	w.wantTool("one", true)
	if got := w.call("one", nil); got != `{"value":1}` {
		t.Errorf("one = %s", got)
	}

	w.write("sales/one.sql", otherTool)
	w.await("other SQL below the same header", func(status) bool { return w.call("one", nil) == `{"value":2}` })

	w.write("sales/notes.txt", "x")
	w.write("sales/.one.sql.swp", "x")
	for name, text := range map[string]string{
		"a fault in the header": strings.Replace(oneTool, "result", "reslt", 1),
		"a fault in the SQL":    strings.Replace(oneTool, "SELECT 1", "SELECT FROM WHERE", 1),
		"an unknown column":     strings.Replace(oneTool, "SELECT 1", "SELECT nam FROM shop.products", 1),
	} {
		w.write("sales/one.sql", text)
		w.await(name, func(info status) bool {
			return strings.HasPrefix(strings.TrimPrefix(info.ReloadError, "loading tools:\n"), "sales/one.sql:") && !strings.Contains(info.ReloadError, w.dir)
		})
		if got := w.call("one", nil); got != `{"value":2}` {
			t.Errorf("%s: one = %s, want the last good version", name, got)
		}
		w.write("sales/one.sql", otherTool)
		w.await(name+", mended", func(info status) bool { return info.ReloadError == "" })
	}

	// What the database refused may be mended when another file has a fault.
	w.write("sales/one.sql", strings.Replace(oneTool, "SELECT 1", "SELECT nam FROM shop.products", 1))
	w.await("a column that is not there", func(info status) bool { return strings.Contains(info.ReloadError, "nam") })
	w.write("sales/empty.sql", "")
	w.await("an empty file", func(info status) bool {
		return strings.Contains(info.ReloadError, "sales/empty.sql") && !strings.Contains(info.ReloadError, "nam")
	})
	if err := os.Remove(filepath.Join(w.dir, "sales/empty.sql")); err != nil {
		t.Fatal(err)
	}
	w.write("sales/one.sql", otherTool)
	w.await("all mended", func(info status) bool { return info.ReloadError == "" })

	if err := os.Rename(filepath.Join(w.dir, "sales/one.sql"), filepath.Join(w.dir, "sales/uno.sql")); err != nil {
		t.Fatal(err)
	}
	w.awaitChange("a renamed file")
	w.wantTool("one", false)
	w.wantTool("uno", true)
	if err := os.RemoveAll(filepath.Join(w.dir, "sales")); err != nil {
		t.Fatal(err)
	}
	w.awaitChange("a folder that is gone")
	w.wantTool("uno", false)
}

// TestEditWhileTheDatabaseIsDown: an edit that the database can't look at is refused when it is back, and the last version
// that it took returns.
func TestEditWhileTheDatabaseIsDown(t *testing.T) {
	c := pgtest.NewCluster(t, demo.Config{})
	w := watched(t, c.URL(), t.TempDir())
	w.write("one.sql", oneTool)
	w.awaitChange("a new file")
	if err := c.Halt(); err != nil {
		t.Fatal(err)
	}
	w.write("one.sql", strings.Replace(oneTool, "One.", "Another.\nparams: [{name: a, type: integer, required: true}]", 1)+" + nam + @a")
	w.awaitChange("an edit that nobody can look at")
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.awaitChange("the last version")
	w.await("an edit that is refused", func(info status) bool { return strings.Contains(info.ReloadError, `column "nam" does not exist`) })
	if got := w.call("one", nil); got != `{"value":1}` {
		t.Errorf("one = %s, want the last version that the database took", got)
	}
}

// TestReloadLeavesCallsAlone changes the tools while a call runs.
func TestReloadLeavesCallsAlone(t *testing.T) {
	w := watched(t, pgtest.Demo(t), t.TempDir())
	answer := make(chan string)
	w.write("slow.sql", "/*---\ndescription: Slow.\nresult: value\n---*/\nSELECT 'done' FROM pg_sleep(2)")
	w.awaitChange("the slow tool")
	go func() { answer <- w.call("slow", nil) }()
	time.Sleep(200 * time.Millisecond)
	w.write("one.sql", oneTool)
	if err := os.Remove(filepath.Join(w.dir, "slow.sql")); err != nil {
		t.Fatal(err)
	}
	w.awaitChange("tools changed in front of a call")
	w.wantTool("slow", false)
	if got := <-answer; got != `{"value":"done"}` {
		t.Errorf("the call in flight = %s", got)
	}
}

// TestReloadConfigMap changes files as Kubernetes does: all of them lie behind one link, which is swapped.
func TestReloadConfigMap(t *testing.T) {
	w := watched(t, pgtest.Demo(t), t.TempDir())
	link := func(target, name string) {
		t.Helper()
		temporary := filepath.Join(w.dir, "..tmp")
		if err := os.Symlink(target, temporary); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temporary, filepath.Join(w.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	w.write("..2026_01_01/one.sql", oneTool)
	link("..2026_01_01", "..data")
	link("..data/one.sql", "one.sql")
	w.awaitChange("the first mount")
	for i, text := range []string{otherTool, oneTool} {
		next := "..2026_01_0" + string(rune('2'+i))
		w.write(next+"/one.sql", text)
		link(next, "..data")
		want := map[string]string{otherTool: `{"value":2}`, oneTool: `{"value":1}`}[text]
		w.await("a swapped link", func(status) bool { return w.call("one", nil) == want })
	}
}

// TestSIGHUP reads the files again also where nothing is watched to change: here the folder is behind a link of the operator.
func TestSIGHUP(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, []string{"DATABASE_URL=" + pgtest.Demo(t)}, "--tools", dir)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := s.call("server_info", "{}"); !strings.Contains(string(got.Result.StructuredContent), `"tools"`) {
		t.Errorf("after SIGHUP server_info = %+v", got)
	}
	if _, status := s.close(); status != 0 {
		t.Errorf("exit status %d after SIGHUP, want 0", status)
	}
}

// TestMigrations breaks tools and mends them, in the database alone.
func TestMigrations(t *testing.T) {
	url := pgtest.Demo(t)
	pgtest.Exec(t, url, "CREATE TABLE shop.parcels (id int, weight int)")
	w := watched(t, url, t.TempDir())
	w.write("parcels.sql", "/*---\ndescription: Parcels.\n---*/\nSELECT id, weight FROM shop.parcels ORDER BY id LIMIT 3")
	w.awaitChange("a sound tool")
	w.write("later.sql", "/*---\ndescription: Not yet.\nresult: value\n---*/\nSELECT count(*) FROM shop.pallets")
	w.await("a table that is not there yet", func(info status) bool {
		return len(info.Unavailable) == 1 && info.Unavailable[0].Tool == "later" && strings.Contains(info.Unavailable[0].Reason, `line 5: relation "shop.pallets" does not exist`)
	})
	w.wantTool("later", false)
	pgtest.Exec(t, url, "CREATE TABLE shop.pallets (id int)")
	w.awaitChange("a tool whose table has come")
	w.wantTool("later", true)

	pgtest.Exec(t, url, "ALTER TABLE shop.parcels RENAME weight TO grams")
	if got := w.call("parcels", nil); !strings.Contains(got, `SQLSTATE 42703`) || !strings.Contains(got, "no longer fits the database") {
		t.Errorf("a tool whose column is gone = %s", got)
	}
	w.await("a degraded tool", func(info status) bool { return len(info.Degraded) == 1 && info.Degraded[0].Tool == "parcels" })
	pgtest.Exec(t, url, "ALTER TABLE shop.parcels RENAME grams TO weight")
	w.await("a tool that fits again", func(info status) bool { return len(info.Degraded) == 0 })

	pgtest.Exec(t, url, "ALTER TABLE shop.parcels ALTER weight TYPE text")
	if got := w.call("parcels", nil); got != `{"items":[]}` {
		t.Errorf("a tool with another type of column = %s", got)
	}
	w.awaitChange("another output schema")
}

// TestServeWithTroubles serves the folder of the tests of check.
func TestServeWithTroubles(t *testing.T) {
	w := watched(t, pgtest.Demo(t), goodTools)
	var unavailable []string
	w.await("tools that are refused", func(info status) bool {
		unavailable = nil
		for _, u := range info.Unavailable {
			unavailable = append(unavailable, u.Tool)
		}
		return len(unavailable) > 0
	})
	want := []string{"enum", "enum_written", "enums", "needs_future", "needs_vector", "no_column", "no_function", "no_table", "not_found", "page_key", "two_columns", "wrong_type"}
	if !slices.Equal(unavailable, want) {
		t.Errorf("unavailable are %v, want %v", unavailable, want)
	}
	for _, name := range want {
		w.wantTool(name, false)
		if got := w.call(name, nil); !strings.HasPrefix(got, "protocol error") {
			t.Errorf("%s = %s, want an unknown tool", name, got)
		}
	}
	if got := w.call("best_customers", map[string]any{"limit": 1}); !strings.Contains(got, "Ben Fischer") {
		t.Errorf("best_customers = %s", got)
	}
}
