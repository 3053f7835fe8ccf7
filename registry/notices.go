package registry

import (
	"encoding/json"
	"strings"

	"mcp-postgres/internal/pgtext"

	"github.com/mark3labs/mcp-go/mcp"
)

// noticesMember is the member of a JSON answer that holds what PostgreSQL said beside it.
const noticesMember = "notices"

// withNotices adds the notices to an answer: to its JSON object, where it is one and that member is free, or else as a text of
// their own.
func withNotices(res *mcp.CallToolResult, notices []string, member bool) *mcp.CallToolResult {
	if len(notices) == 0 {
		return res
	}
	first, ok := res.Content[0].(mcp.TextContent)
	if !member || !ok {
		res.Content = append(res.Content, mcp.NewTextContent(strings.Join(notices, "\n")))
		return res
	}
	body := []byte(strings.TrimSuffix(first.Text, "}"))
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
	first.Text = string(append(body, "]}"...))
	res.Content[0] = first
	if res.StructuredContent != nil {
		res.StructuredContent = json.RawMessage(first.Text)
	}
	return res
}
