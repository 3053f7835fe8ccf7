package acceptance_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
)

var unguarded = flag.Bool("unguarded", false, "also run the attacks against a server without any wall, to see which are real")

// TestCorpus runs the data files in one world.
func TestCorpus(t *testing.T) {
	w := newWorld(t)
	both := walls{guard: true, transaction: true}
	t.Run("Served", func(t *testing.T) { run(t, w, "served/*.yaml", both) })
	// Whatever a caller sends to a read-only server whose login is a superuser, nothing changes.
	t.Run("ReadOnly", func(t *testing.T) { run(t, w, "readonly/*.yaml", both) })
	// The guard stops every attack before the database sees it; the transaction would commit.
	t.Run("GuardAlone", func(t *testing.T) { run(t, w, "readonly/*.yaml", walls{guard: true}) })
	// A caller reaches what the role allows, and nothing else.
	t.Run("Permissions", func(t *testing.T) { run(t, w, "permissions/*.yaml", both) })
	// The transaction stops much by itself, and not enough.
	t.Run("TransactionAlone", func(t *testing.T) {
		if through, total := breaches(t, w, walls{transaction: true}); through == 0 || through == total {
			t.Errorf("%d of %d attacks came through the transaction alone: want some, not all", through, total)
		}
	})
	t.Run("NoWall", func(t *testing.T) {
		if !*unguarded {
			t.Skip("only with -unguarded")
		}
		breaches(t, w, walls{})
	})
}

// breaches runs the attacks without the guard and says which did or showed what they must not.
func breaches(t *testing.T, w *world, stand walls) (through, total int) {
	t.Helper()
	s := newServer(t, w, true, stand)
	before := w.look(t)
	for _, c := range attacks(load(t, "readonly/*.yaml")) {
		if !w.fits(t, c) {
			continue
		}
		total++
		got := s.call(t.Context(), c.Tool, c.arguments(t, w.fill))
		after := w.look(t)
		if effects := append(changes(before, after), shown(got.text)...); len(effects) > 0 {
			through++
			t.Logf("through: %s: %s", c.Name, strings.Join(effects, "; "))
			if !stand.transaction {
				w.create(t) // nothing was left as it was
				s, after = newServer(t, w, true, stand), w.look(t)
			}
		} else {
			t.Logf("nothing: %s: %.150s", c.Name, got.text)
		}
		if c.Wall == "transaction" && stand.transaction && !got.isError {
			t.Errorf("%s: the transaction lets it pass: %.200s", c.Name, got.text)
		}
		before = after
	}
	t.Logf("%+v: %d of %d attacks came through", stand, through, total)
	return through, total
}

// attacks are the cases that must not be served.
func attacks(cases []*kase) []*kase {
	var all []*kase
	for _, c := range cases {
		if c.Want != wantServed {
			all = append(all, c)
		}
	}
	return all
}

// run makes a test of each case.
func run(t *testing.T, w *world, pattern string, stand walls) {
	t.Helper()
	cases := load(t, pattern)
	servers := map[bool]*server{true: newServer(t, w, true, stand), false: newServer(t, w, false, stand)}
	before := w.look(t)
	failed := 0
	for _, c := range cases {
		ok := t.Run(c.Name, func(t *testing.T) {
			if !w.fits(t, c) {
				t.Skip("not for this version of PostgreSQL")
			}
			was := c.effect(t, w)
			got := servers[c.readOnly].call(c.caller(t, t.Context()), c.Tool, c.arguments(t, w.fill))
			for _, fault := range c.judge(got, stand) {
				t.Error(fault)
			}
			if is := c.effect(t, w); is != c.becomes(was) {
				t.Errorf("%s = %s afterwards, want %s", c.Effect, is, c.becomes(was))
			}
			if !got.reached { // what never came to the database is looked at together, below
				return
			}
			after := w.look(t)
			if c.Becomes == "" {
				for _, change := range changes(before, after) {
					t.Errorf("changed: %s", change)
				}
			}
			before = after
		})
		if !ok {
			failed++
		}
	}
	for _, change := range changes(before, w.look(t)) {
		t.Errorf("changed: %s", change)
	}
	t.Logf("%d of %d cases as they should be", len(cases)-failed, len(cases))
}

// judge compares an answer with the wish.
func (c *kase) judge(got answer, stand walls) []string {
	var faults []string
	say := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf(format, args...)+fmt.Sprintf("\nsql: %.300s\nanswer: %.400s", c.SQL, got.text))
	}
	switch {
	case c.Want == wantServed && got.isError:
		say("not served")
	case (c.Want == wantRefused || c.Want == wantError) && !got.isError && !(c.Wall == "transaction" && !stand.transaction):
		say("served: want it %s", c.Want)
	case c.Want == wantRefused && got.reached && c.Wall != "transaction":
		say("it came to the database: want it refused before")
	}
	for _, s := range c.Contains {
		if !strings.Contains(got.text, s) {
			say("the answer lacks %q", s)
		}
	}
	omits := c.Omits
	if c.Want != wantServed {
		omits = append(omits, hidden...)
	}
	for _, s := range omits {
		if strings.Contains(got.text, s) {
			say("the answer shows %q", s)
		}
	}
	return faults
}

// shown names what is hidden and in a text.
func shown(text string) []string {
	var all []string
	for _, s := range hidden {
		if strings.Contains(text, s) {
			all = append(all, "shows "+s)
		}
	}
	return all
}

func (c *kase) effect(t *testing.T, w *world) string {
	t.Helper()
	if c.Effect == "" {
		return ""
	}
	return pgtest.Value(t, w.url, w.fill.Replace(c.Effect))
}

func (c *kase) becomes(was string) string { return or(c.Becomes, was) }

// caller is who calls; without a sub there is no authentication.
func (c *kase) caller(t *testing.T, ctx context.Context) context.Context {
	t.Helper()
	if c.Sub == "" {
		return ctx
	}
	rules, err := guard.Parse("permissions.yaml", []byte(file(t, "permissions.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := rules.Caller(c.Sub, json.RawMessage(c.Claims))
	if err != nil {
		t.Fatal(err)
	}
	return guard.WithCaller(ctx, caller)
}
