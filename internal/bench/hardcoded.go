package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// hardCodedEnv makes this program the hard-coded server on the database that it names.
const hardCodedEnv = "BENCH_HARD_CODED_URL"

func launchHard(ctx context.Context, d *database) (*process, error) {
	return launch(ctx, hardCodedEnv+"="+d.url, "/proc/self/exe")
}

// serveHardCoded is what a program for one task would be: two tools on mcp-go and pgx, with no limits, no transaction, no
// log, no checks and no structured content. It is the floor for a server over stdio.
func serveHardCoded(ctx context.Context, url string) error {
	pool, err := openPool(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	cat, err := loadTools()
	if err != nil {
		return err
	}
	s := server.NewMCPServer("hard-coded", "1")
	for _, name := range []string{"select_one", "thousand_rows"} {
		sql := cat.Tool(name).Statement.SQL
		s.AddTool(mcp.NewTool(name), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			text, err := rowsJSON(ctx, pool, sql)
			return mcp.NewToolResultText(text), err
		})
	}
	stdio := server.NewStdioServer(s)
	server.WithWorkerPoolSize(poolSize)(stdio)
	if err := stdio.Listen(ctx, os.Stdin, os.Stdout); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

// rowsJSON gives rows as objects in which every value is a string.
func rowsJSON(ctx context.Context, pool *pgxpool.Pool, sql string) (string, error) {
	rows, err := pool.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	body := []byte(`{"items":[`)
	for rows.Next() {
		body = append(body, '{')
		for i, v := range rows.RawValues() {
			body = append(postgres.AppendString(body, fields[i].Name), ':')
			body = append(postgres.AppendString(body, v), ',')
		}
		body = append(bytes.TrimSuffix(body, []byte(",")), "},"...)
	}
	return string(append(bytes.TrimSuffix(body, []byte(",")), "]}"...)), rows.Err()
}
