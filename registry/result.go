package registry

import (
	"encoding/json"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// Codes of errors that have no SQLSTATE.
const (
	codeArguments   = "invalid_arguments"
	codeNotFound    = "not_found"
	codeTooLarge    = "result_too_large"
	codeUnavailable = "unavailable"
	codeInternal    = "internal"
	// Those of a refusal are guard.Forbidden and guard.ReadOnly.
)

// callError is an error as the caller of a tool gets it.
type callError struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
	Line       int    `json:"line,omitempty"`
	Column     int    `json:"column,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
	Retryable  bool   `json:"retryable"`

	rule string // of the guard, for the record
}

func (e *callError) Error() string { return e.Message }

func argumentError(message string) error {
	return &callError{Code: codeArguments, Message: message}
}

// text is the error in one paragraph for the model.
func (e *callError) text() string {
	parts := []string{sentence(e.Message)}
	if e.Line > 0 {
		parts[0] = sentence(strings.TrimSuffix(e.Message, ".") + position(e.Line, e.Column))
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

// errorKey is where _meta of an answer has the error, for programs.
const errorKey = "mcp-postgres/error"

// errorResult has no structured content: clients hold that against the tool's output schema, and drop an answer that is an error.
func errorResult(e *callError) *mcp.CallToolResult {
	r := textResult(e.text())
	r.Meta, r.IsError = mcp.NewMetaFromMap(map[string]any{errorKey: e}), true
	return r
}

// Body is the JSON of an answer: its structured content, or {"error": ...}. It is nil where the answer is a text alone.
func Body(r *mcp.CallToolResult) json.RawMessage {
	if r.IsError && r.Meta != nil {
		body, err := json.Marshal(map[string]any{"error": r.Meta.AdditionalFields[errorKey]})
		if err == nil {
			return body
		}
	}
	body, _ := r.StructuredContent.(json.RawMessage) // every structured content is of this type
	return body
}

// jsonResult carries one JSON object both as structured content and, for clients that don't read that, as text. It keeps
// nothing of body.
func jsonResult(body []byte) *mcp.CallToolResult {
	text := string(body)
	return &mcp.CallToolResult{Content: []mcp.Content{mcp.NewTextContent(text)}, StructuredContent: json.RawMessage(text)}
}

func textResult(texts ...string) *mcp.CallToolResult {
	r := &mcp.CallToolResult{}
	for _, t := range texts {
		r.Content = append(r.Content, mcp.NewTextContent(t))
	}
	return r
}
