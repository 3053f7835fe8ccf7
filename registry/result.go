package registry

import (
	"encoding/json"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// Codes of errors that have no SQLSTATE.
const (
	codeArguments = "invalid_arguments"
	codeNotFound  = "not_found"
	codeTooLarge  = "result_too_large"
	codeInternal  = "internal"
	// Those of a refusal are policy.Forbidden and policy.ReadOnly.
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

func errorResult(e *callError) *mcp.CallToolResult {
	body, err := json.Marshal(map[string]any{"error": e})
	if err != nil {
		body = []byte(`{"error":{"code":"internal","message":"internal error"}}`)
	}
	return &mcp.CallToolResult{
		Content: []mcp.Content{mcp.NewTextContent(e.text())}, StructuredContent: json.RawMessage(body), IsError: true,
	}
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
