package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"github.com/jackc/pgx/v5"

	"mcp-postgres/internal/demo"
)

// The shape of the database "wide": schemas area_01, area_02, ... of tables item_0001 to item_0400.
const (
	wideName    = "wide"
	wideSchemas = 50
	wideTables  = 400
)

// fillSchema makes the tables of one schema: eight columns, a primary key and comments each; three of four refer to
// another one, and each names one without a declared key.
const fillSchema = `DO $fill$
DECLARE
  area text := '%s';
BEGIN
  EXECUTE format('CREATE SCHEMA %%I', area);
  EXECUTE format('COMMENT ON SCHEMA %%I IS %%L', area, 'One area of many');
  FOR i IN 1..%d LOOP
    EXECUTE format('CREATE TABLE %%1$I.%%2$I (
        id bigint PRIMARY KEY, code varchar(20) NOT NULL, name text, amount numeric(12,2) DEFAULT 0,
        active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), parent_id bigint %%3$s, %%4$I bigint)',
      area, 'item_' || to_char(i, 'FM0000'),
      CASE WHEN i > 1 AND i %% 4 <> 0 THEN format('REFERENCES %%I.%%I', area, 'item_' || to_char(i / 2, 'FM0000')) END,
      'item_' || to_char(i %% 400 + 1, 'FM0000') || '_id');
    EXECUTE format('COMMENT ON TABLE %%I.%%I IS %%L', area, 'item_' || to_char(i, 'FM0000'), 'Items of kind ' || i);
    EXECUTE format('COMMENT ON COLUMN %%I.%%I.amount IS %%L', area, 'item_' || to_char(i, 'FM0000'), 'In EUR, without tax');
  END LOOP;
END $fill$`

// createWide makes the database, owned by the demo's role, and gives its URL.
func createWide(ctx context.Context, c *demo.Cluster, schemas int) (string, error) {
	err := script(ctx, c.AdminURL(), "CREATE DATABASE "+wideName+" OWNER "+demo.Role)
	if err != nil {
		return "", fmt.Errorf("creating the database %s: %w", wideName, err)
	}
	address, err := inDatabase(c.URL(), wideName)
	if err != nil {
		return "", err
	}
	const workers = 2
	var errs [workers]error
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			var scripts []string
			for n := w + 1; n <= schemas; n += workers {
				scripts = append(scripts, fmt.Sprintf(fillSchema, fmt.Sprintf("area_%02d", n), wideTables))
			}
			errs[w] = script(ctx, address, scripts...)
		})
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return "", fmt.Errorf("filling the database %s: %w", wideName, err)
	}
	return address, vacuum(ctx, c, wideName, demo.Database)
}

// vacuum gives the planner statistics of the catalogs, which autovacuum would do on a real server.
func vacuum(ctx context.Context, c *demo.Cluster, databases ...string) error {
	for _, name := range databases {
		address, err := inDatabase(c.AdminURL(), name)
		if err == nil {
			err = script(ctx, address, "VACUUM ANALYZE")
		}
		if err != nil {
			return fmt.Errorf("analysing the database %s: %w", name, err)
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
		if _, err := conn.PgConn().Exec(ctx, s).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}

// inDatabase is address with another database.
func inDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the address of the demo database is no URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}
