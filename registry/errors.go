package registry

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/postgres"
)

// noticeNone answers every call of a server without a database; it is an answer, not an error.
const noticeNone = "No database is connected. Start the server with --conn URL or DATABASE_URL set to your PostgreSQL, " +
	"or with --demo to try it on sample data."

// messageDown is the error of a call while the database does not answer: an empty answer would read like an empty database.
const messageDown = "The database is not available at the moment: %s. The server keeps trying by itself."

// noticeKey marks an answer as a notice, for programs.
const noticeKey = "mcp-postgres/notice"

func asNotice(r *mcp.CallToolResult) *mcp.CallToolResult {
	r.Meta = mcp.NewMetaFromMap(map[string]any{noticeKey: true})
	return r
}

// IsNotice reports an answer that only says that there is no database.
func IsNotice(r *mcp.CallToolResult) bool {
	return r.Meta != nil && r.Meta.AdditionalFields[noticeKey] == true
}

// userMessage is the one place that decides what a caller reads of an error. sql is the caller's own text, for the
// position in it; empty for SQL that the caller did not write. An unknown error is not told: ok is false.
func userMessage(err error, sql string) (e *callError, ok bool) {
	var own *callError
	var pg *postgres.Error
	var down *postgres.Unavailable
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &pg):
		if pg.Code == "42601" && strings.Contains(pg.Message, "multiple commands") {
			return argumentError("sql: holds more than one statement: want one per call").(*callError), true
		}
		e = &callError{Code: pg.Code, Message: pg.Message, Hint: pg.Hint, Retryable: pg.Retryable}
		if sql != "" && pg.Position > 0 {
			e.Line, e.Column = lineColumn(sql, pg.Position)
		}
		return e, true
	case errors.As(err, &down):
		return &callError{Code: codeUnavailable, Message: fmt.Sprintf(messageDown, down.Reason), Retryable: true}, true
	case errors.Is(err, context.Canceled):
		return &callError{Code: "57014", Message: "the call was cancelled"}, true
	}
	return nil, false
}

// lineColumn turns a 1-based character position into line and column.
func lineColumn(sql string, position int) (line, column int) {
	line, column = 1, 1
	for _, r := range sql {
		if position--; position == 0 {
			break
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

func position(line, column int) string {
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

// placeholders replaces {name} in a message by the arguments of the call; one that is not given becomes null.
func placeholders(message string, params []catalog.Param, args map[string]any) string {
	var pairs []string
	for _, p := range params {
		text, ok := args[p.Name].(string)
		if !ok {
			text = catalog.Show(args[p.Name])
		}
		pairs = append(pairs, "{"+p.Name+"}", fmt.Sprintf("%.200s", text))
	}
	return strings.NewReplacer(pairs...).Replace(message)
}
