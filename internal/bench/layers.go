package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// Names of the layers, from the inside out.
const (
	layerPGX      = "pgx"
	layerEngine   = "engine"
	layerRegistry = "registry"
	layerServer   = "server"
	layerHard     = "hard-coded"
)

// pgxLayer is the floor: the SQL alone, prepared, its values read as they come in PostgreSQL's text form.
func pgxLayer(pool *pgxpool.Pool, c *benchCase, sql string, values [][]byte) *inProcess {
	args := []any{pgx.QueryResultFormats{pgx.TextFormatCode}}
	for _, v := range values {
		if v == nil {
			args = append(args, nil)
		} else {
			args = append(args, string(v))
		}
	}
	return &inProcess{call: func(ctx context.Context) error {
		rows, err := pool.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		n, size := 0, 0
		for rows.Next() {
			n++
			for _, v := range rows.RawValues() {
				size += len(v)
			}
		}
		if rows.Err() != nil {
			return rows.Err()
		}
		if n != c.rows || size == 0 {
			return fmt.Errorf("%s: pgx got %d rows of %d bytes in all, want %d rows", c.name, n, size, c.rows)
		}
		return nil
	}}
}

// engineLayer is internal/postgres with a sink that writes the JSON that the tool gives.
func engineLayer(ctx context.Context, db *postgres.DB, c *benchCase, t *catalog.Tool, sql string, values [][]byte) (*inProcess, error) {
	call := postgres.Call{SQL: sql, Args: values, Keep: true, MaxRows: max(c.rows, c.items)}
	shape := jsonSink{}
	if c.isQuery() {
		call.Keep, call.Foreign, call.Write = false, true, true
	} else {
		shape = jsonSink{omitNull: t.OmitNull, object: t.Result == catalog.Object}
	}
	run := func(ctx context.Context) ([]byte, error) {
		sink := shape
		out, err := db.Run(ctx, call, &sink)
		if err == nil && out.Rows != c.rows {
			err = fmt.Errorf("%s: the engine got %d rows, want %d", c.name, out.Rows, c.rows)
		}
		return sink.body(), err
	}
	first, err := run(ctx)
	if err == nil {
		err = c.check(string(first))
	}
	return &inProcess{size: len(first), call: func(ctx context.Context) error {
		body, err := run(ctx)
		if err == nil && !bytes.Equal(body, first) {
			err = fmt.Errorf("%s: the engine gave another answer", c.name)
		}
		return err
	}}, err
}

// jsonSink writes rows as the registry does: objects in a list, or one object.
type jsonSink struct {
	omitNull, object bool
	columns          []postgres.Column
	buf              []byte
}

// Columns implements postgres.Sink.
func (s *jsonSink) Columns(cols []postgres.Column) {
	s.columns = cols
	if !s.object {
		s.buf = append(s.buf, `{"items":[`...)
	}
}

// Row implements postgres.Sink.
func (s *jsonSink) Row(values [][]byte) bool {
	s.buf = append(s.buf, '{')
	for i, v := range values {
		if v == nil && s.omitNull {
			continue
		}
		s.buf = append(postgres.AppendString(s.buf, s.columns[i].Name), ':')
		s.buf = append(s.columns[i].Type.AppendJSON(s.buf, v), ',')
	}
	s.buf = append(s.buf[:max(len(s.buf)-1, 1)], "},"...)
	return true
}

func (s *jsonSink) body() []byte {
	if len(s.buf) == 0 {
		return nil
	}
	body := s.buf[:len(s.buf)-1]
	if s.object {
		return body
	}
	return append(body, "]}"...)
}

// registryLayer is what tools/call does, without the protocol.
func registryLayer(ctx context.Context, t *target, c *benchCase) (*inProcess, error) {
	args := []byte(c.args)
	run := func(ctx context.Context) (string, error) {
		res, err := t.registry.Call(ctx, c.tool, args)
		if err != nil {
			return "", err
		}
		text, ok := res.Content[0].(mcp.TextContent)
		if !ok || res.IsError {
			return "", fmt.Errorf("%s: the registry answers %.300q", c.name, text.Text)
		}
		return text.Text, nil
	}
	first, err := run(ctx)
	if err == nil {
		err = c.check(first)
	}
	return &inProcess{size: len(first), call: func(ctx context.Context) error {
		text, err := run(ctx)
		if err == nil && text != first {
			err = fmt.Errorf("%s: the registry gave another answer", c.name)
		}
		return err
	}}, err
}
