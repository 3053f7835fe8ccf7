package demo

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// SearchPath lets the tables of the sample be named without their schema.
const SearchPath = "shop, billing, public"

//go:embed sample.sql
var sample string

// LoadSample creates the sample shop in the database that url names, owned by the connecting role, and makes
// SearchPath that database's default. The rows are the same each time. The schemas shop and billing must not
// exist, and the role must own the database.
func LoadSample(ctx context.Context, url string) error {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("loading the sample data: %w", err)
	}
	searchPath := "ALTER DATABASE " + pgx.Identifier{cfg.Database}.Sanitize() + " SET search_path = " + SearchPath
	if err := execute(ctx, url, sample, searchPath); err != nil {
		return fmt.Errorf("loading the sample data: %w", err)
	}
	return nil
}

// execute runs scripts on a connection of their own. All statements of one script are one transaction.
func execute(ctx context.Context, url string, scripts ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, script := range scripts {
		if _, err := conn.PgConn().Exec(ctx, script).ReadAll(); err != nil {
			return err
		}
	}
	return nil
}
