package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// The database wide has schemas area_01, area_02, ... with the tables item_0001, item_0002, ... each.
const (
	wideName   = "wide"
	wideTables = 400
)

// fillSchema makes the tables of one schema: eight columns, a primary key and comments each; three of four refer to
// another one, and each names one without a declared key.
const fillSchema = `DO $fill$
DECLARE
  area text := 'area_%02d';
  item text;
BEGIN
  EXECUTE format('CREATE SCHEMA %%I', area);
  EXECUTE format('COMMENT ON SCHEMA %%I IS %%L', area, 'One area of many');
  FOR i IN 1..%d LOOP
    item := 'item_' || to_char(i, 'FM0000');
    EXECUTE format('CREATE TABLE %%1$I.%%2$I (
        id bigint PRIMARY KEY, code varchar(20) NOT NULL, name text, amount numeric(12,2) DEFAULT 0,
        active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), parent_id bigint %%3$s, %%4$I bigint)',
      area, item,
      CASE WHEN i > 1 AND i %% 4 <> 0 THEN format('REFERENCES %%I.%%I', area, 'item_' || to_char(i / 2, 'FM0000')) END,
      'item_' || to_char(i %% 400 + 1, 'FM0000') || '_id');
    EXECUTE format('COMMENT ON TABLE %%I.%%I IS %%L', area, item, 'Items of kind ' || i);
    EXECUTE format('COMMENT ON COLUMN %%I.%%I.amount IS %%L', area, item, 'In EUR, without tax');
  END LOOP;
END $fill$`

// createWide makes the database, owned by the demo's role, and gives its URL.
func createWide(ctx context.Context, c *demo.Cluster, schemas int) (string, error) {
	address := inDatabase(c.URL(), wideName)
	if err := script(ctx, c.AdminURL(), "CREATE DATABASE "+wideName+" OWNER "+demo.Role); err != nil {
		return "", err
	}
	var fill []string
	for n := range schemas {
		fill = append(fill, fmt.Sprintf(fillSchema, n+1, wideTables))
	}
	if err := script(ctx, address, fill...); err != nil {
		return "", err
	}
	return address, vacuum(ctx, c, wideName, demo.Database)
}

// vacuum gives the planner statistics of the catalogs, which autovacuum would do on a real server.
func vacuum(ctx context.Context, c *demo.Cluster, databases ...string) error {
	for _, name := range databases {
		if err := script(ctx, inDatabase(c.AdminURL(), name), "VACUUM ANALYZE"); err != nil {
			return err
		}
	}
	return nil
}

// script runs statements one after the other on a connection of their own.
func script(ctx context.Context, address string, statements ...string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("filling the databases: %w", err)
		}
	}
	return nil
}

// inDatabase is the address of another database of the same cluster.
func inDatabase(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // demo makes nothing but URLs
	}
	u.Path = "/" + name
	return u.String()
}
