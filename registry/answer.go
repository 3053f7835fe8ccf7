package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/pgtext"
	"mcp-postgres/internal/postgres"
)

// Answer is the result of a call, the same for all transports and revisions of the protocol.
type Answer struct {
	// Texts are what a model reads.
	Texts []string
	// JSON is the structured content: one object on one line, often the same string as the first text. Empty is none.
	JSON string
	// Err is set where the answer is an error. It has no JSON then: clients hold that against the tool's output
	// schema, and drop an answer that does not fit.
	Err *Error
	// Notice says that the answer only tells that there is no database.
	Notice bool
}

// Keys of _meta, for programs.
const (
	errorKey  = "mcp-postgres/error"
	noticeKey = "mcp-postgres/notice"
)

// Meta is the member _meta of the answer; nil is none.
func (a *Answer) Meta() map[string]any {
	switch {
	case a.Err != nil:
		return map[string]any{errorKey: a.Err}
	case a.Notice:
		return map[string]any{noticeKey: true}
	}
	return nil
}

// Body is the JSON of an answer: its structured content, or {"error": ...}. It is nil where the answer is a text alone.
func (a *Answer) Body() json.RawMessage {
	if a.Err != nil {
		body, _ := json.Marshal(map[string]any{"error": a.Err}) // texts and numbers
		return body
	}
	if a.JSON == "" {
		return nil
	}
	return json.RawMessage(a.JSON)
}

// result is the answer in the form of the library.
func (a *Answer) result() *mcp.CallToolResult {
	r := &mcp.CallToolResult{IsError: a.Err != nil}
	for _, text := range a.Texts {
		r.Content = append(r.Content, mcp.NewTextContent(text))
	}
	if a.JSON != "" {
		r.StructuredContent = json.RawMessage(a.JSON)
	}
	if meta := a.Meta(); meta != nil {
		r.Meta = mcp.NewMetaFromMap(meta)
	}
	return r
}

// bytes is the size of the texts.
func (a *Answer) bytes() (n int) {
	for _, text := range a.Texts {
		n += len(text)
	}
	return n
}

// jsonAnswer carries one JSON object both as structured content and, for clients that don't read that, as text. It
// keeps nothing of body.
func jsonAnswer(body []byte) *Answer {
	text := string(body)
	return &Answer{Texts: []string{text}, JSON: text}
}

func textAnswer(texts ...string) *Answer { return &Answer{Texts: texts} }

// ErrorAnswer is the answer that is an error.
func ErrorAnswer(e *Error) *Answer {
	return &Answer{Texts: append(slices.Clone(e.before), e.text()), Err: e}
}

// noticesMember is the member of a JSON answer that holds what PostgreSQL said beside it.
const noticesMember = "notices"

// addNotices adds the notices of the database: to the answer's JSON object, where member says that this is free, or
// else as a text of their own.
func (a *Answer) addNotices(notices []string, member bool) {
	if len(notices) == 0 {
		return
	}
	if !member {
		a.Texts = append(a.Texts, strings.Join(notices, "\n"))
		return
	}
	body := []byte(strings.TrimSuffix(a.Texts[0], "}"))
	if len(body) > 1 {
		body = append(body, ',')
	}
	body = append(append(body, '"'), noticesMember+`":[`...)
	for i, n := range notices {
		if i > 0 {
			body = append(body, ',')
		}
		body = pgtext.AppendJSON(body, n)
	}
	a.Texts[0] = string(append(body, "]}"...))
	if a.JSON != "" {
		a.JSON = a.Texts[0]
	}
}

// noticeNone answers every call of a server without a database; it is an answer, not an error.
const noticeNone = "No database is connected. Start the server with --conn URL or DATABASE_URL set to your " +
	"PostgreSQL, or with --demo to try it on sample data."

// noticeAnswer is an empty answer of the tool's shape that says that there is no database.
func noticeAnswer(shape catalog.Result, cols []postgres.Column) *Answer {
	body, name := []byte("{"), "notice"
	switch shape {
	case catalog.Rows:
		body = append(body, `"items":[],`...)
	case catalog.Object:
		name = unlike(name, cols)
	}
	body = append(pgtext.AppendJSON(body, name), ':')
	a := jsonAnswer(append(pgtext.AppendJSON(body, noticeNone), '}'))
	if a.Notice = true; shape == catalog.Text {
		a.Texts = []string{noticeNone}
	}
	return a
}

// Codes of errors that have no SQLSTATE. Those of a refusal are guard.Forbidden and guard.ReadOnly.
const (
	codeArguments   = observe.CodeArguments
	CodeNotFound    = observe.CodeNotFound
	codeTooLarge    = observe.CodeTooLarge
	codeUnavailable = observe.CodeUnavailable
	codeInternal    = observe.CodeInternal
	CodeUnknownTool = observe.CodeUnknownTool
)

// Error is an error as the caller of a tool gets it.
type Error struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
	Line       int    `json:"line,omitempty"`
	Column     int    `json:"column,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
	// Database is the one of several that the error is of.
	Database  string `json:"database,omitempty"`
	Retryable bool   `json:"retryable"`

	rule   string   // of the guard, for the record
	before []string // the answers of the statements before the one that failed
}

func (e *Error) Error() string { return e.Message }

func argumentError(message string) error {
	return &Error{Code: codeArguments, Message: message}
}

func internalError(id string) *Error {
	return &Error{Code: codeInternal, Message: "internal error (call " + id + ")"}
}

// text is the error in one paragraph for the model.
func (e *Error) text() string {
	parts := []string{sentence(e.Message)}
	if e.Line > 0 {
		parts[0] = sentence(strings.TrimSuffix(e.Message, ".") + fmt.Sprintf(" (line %d, column %d)", e.Line, e.Column))
	}
	if e.Suggestion != "" {
		parts = append(parts, "Did you mean "+e.Suggestion+"?")
	}
	if e.Hint != "" {
		parts = append(parts, sentence("Hint: "+e.Hint))
	}
	if e.Retryable {
		parts = append(parts, "The same call may work later.")
	}
	if len(e.Code) == 5 {
		parts = append(parts, "(SQLSTATE "+e.Code+")")
	}
	return strings.Join(parts, " ")
}

func sentence(s string) string {
	if s == "" || strings.ContainsRune(".?!", rune(s[len(s)-1])) {
		return s
	}
	return s + "."
}

// messageDown is the error while the database can't be reached. An empty answer would look like an empty database.
const messageDown = "The database is not available at the moment: %s. The server keeps trying by itself."

// userMessage is the one place that decides what a caller reads of an error. sql is the caller's own text, in which the
// error gets its line and column; it is empty for SQL that the caller did not write. ok is false for an internal error,
// which only the log may show.
func userMessage(err error, sql string) (e *Error, ok bool) {
	var own *Error
	var refusal *guard.Refusal
	var pg *postgres.Error
	var down *postgres.Unavailable
	switch {
	case errors.As(err, &own):
		return own, true
	case errors.As(err, &refusal):
		e = &Error{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint, Retryable: refusal.Retryable,
			rule: refusal.Rule}
		if sql != "" && refusal.Position > 0 {
			e.Line, e.Column = lineColumn(sql, refusal.Position)
		}
		return e, true
	case errors.As(err, &pg):
		if pg.Code == "42601" && strings.Contains(pg.Message, "multiple commands") {
			return &Error{Code: codeArguments, Message: "sql: holds more than one statement: want one per call"}, true
		}
		e = &Error{Code: pg.Code, Message: pg.Message, Hint: pg.Hint, Retryable: pg.Retryable}
		if sql != "" && pg.Position > 0 {
			e.Line, e.Column = lineColumn(sql, pg.Position)
		}
		return e, true
	case errors.As(err, &down):
		return &Error{Code: codeUnavailable, Message: fmt.Sprintf(messageDown, down.Reason), Retryable: true}, true
	case errors.Is(err, context.Canceled):
		return &Error{Code: "57014", Message: "the call was cancelled"}, true
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
