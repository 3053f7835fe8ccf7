package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// hardCodedEnv makes this program the hard-coded server on the database that it names.
const hardCodedEnv = "BENCH_HARD_CODED_URL"

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

var plainOIDs = [...]uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.Float8OID}

func rowsJSON(ctx context.Context, pool *pgxpool.Pool, sql string) (string, error) {
	rows, err := pool.Query(ctx, sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	body := []byte(`{"items":[`)
	for n := 0; rows.Next(); n++ {
		for i, v := range rows.RawValues() {
			body = append(body, separator(n, i)...)
			body = append(postgres.AppendString(body, fields[i].Name), ':')
			switch {
			case v == nil:
				body = append(body, "null"...)
			case slices.Contains(plainOIDs[:], fields[i].DataTypeOID):
				body = append(body, v...)
			default:
				body = postgres.AppendString(body, v)
			}
		}
		body = append(body, '}')
	}
	return string(append(body, "]}"...)), rows.Err()
}

// separator comes before column i of row n.
func separator(n, i int) string {
	switch {
	case i > 0:
		return ","
	case n > 0:
		return ",{"
	}
	return "{"
}
