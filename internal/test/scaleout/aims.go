package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mcp-postgres/internal/demo"
)

// aim is a replica that knows both databases, and which of them it must use: before the standby is promoted, and after.
type aim struct {
	attrs, sql    string
	before, after string
	*replica
}

const (
	whereSQL = `SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS v`
	writeSQL = `INSERT INTO shop.marks VALUES (now())
		RETURNING CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END AS v`
)

// aims starts a replica for each way to name both databases, and wants each to use the right one.
func (s *setting) aims(ctx context.Context, d *databases) ([]*aim, error) {
	if err := execute(ctx, d.primary.AdminURL(),
		"CREATE TABLE shop.marks (at timestamptz); GRANT INSERT ON shop.marks TO "+demo.Role); err != nil {
		return nil, err
	}
	all := []*aim{
		{attrs: "read-write", sql: writeSQL, before: "primary", after: "primary"},
		{attrs: "standby", sql: whereSQL, before: "standby", after: "primary"}, // on the connections that it has
		{attrs: "prefer-standby", sql: whereSQL, before: "standby", after: "primary"},
	}
	for _, a := range all {
		var env []string
		if a.sql == whereSQL {
			env = []string{"POSTGRES_READONLY=true"}
		}
		var err error
		if a.replica, err = s.replica(ctx, d.bothURL(a.attrs), env...); err != nil {
			return nil, err
		}
		if err := a.reaches(ctx, a.before); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// reaches wants a call to get to a database soon.
func (a *aim) reaches(ctx context.Context, want string) error {
	start, c := time.Now(), newClient(a.url())
	defer c.http.CloseIdleConnections()
	err := until(ctx, "target_session_attrs="+a.attrs, func(ctx context.Context) error {
		kind, text := c.call(ctx, "query", fmt.Sprintf(`{"sql":%q}`, a.sql))
		if kind == fine && strings.Contains(text, "| "+want+" |") {
			return nil
		}
		return fmt.Errorf("want %s, got %s: %s", want, kind, text)
	})
	if err == nil {
		fmt.Printf("  target_session_attrs=%-15s a call reaches: %-8s after %5.0f ms\n", a.attrs, want, ms(time.Since(start)))
	}
	return err
}
