package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"mcp-postgres/catalog"
	"mcp-postgres/internal/faults"
	"mcp-postgres/internal/postgres"
)

// notFound asks, after an empty answer, whether a name was wrong; the error then names the nearest ones.
func (h *sqlTool) notFound(ctx context.Context, args map[string]any) error {
	if err := h.unknownName(ctx, args); err != nil {
		return err
	}
	nf := h.tool.NotFound
	switch {
	case nf == nil && (h.tool.Result == catalog.Affected || h.tool.Result == catalog.Rows):
		return nil
	case nf == nil:
		return &Error{Code: CodeNotFound, Message: "nothing was found" + h.undone()}
	}
	if nf.When.SQL != "" {
		answer, err := h.strings(ctx, nf.When, args)
		if err != nil {
			return fmt.Errorf("asking not_found.when: %w", err)
		}
		if len(answer) == 0 || answer[0] != "t" {
			return nil
		}
	}
	e := &Error{Code: CodeNotFound, Message: placeholders(nf.Message, h.tool.Params, args)}
	if e.Message == "" {
		e.Message = "nothing was found" + h.undone()
	}
	if nf.Suggest.SQL == "" {
		return e
	}
	candidates, err := h.strings(ctx, nf.Suggest, args)
	if err != nil {
		return fmt.Errorf("asking not_found.suggest: %w", err)
	}
	word, _ := args[firstPlaceholder(nf.Message)].(string)
	e.Suggestion = strings.Join(nearest(word, candidates), ", ")
	return e
}

// nearest are the candidates that are most like a text, or else most like one of its words.
func nearest(text string, candidates []string) []string {
	near := faults.Nearest(text, candidates, 3)
	if len(near) > 0 {
		return near
	}
	for _, word := range strings.Fields(text) {
		for _, name := range faults.Nearest(word, candidates, 2) {
			if len(near) < 6 && !slices.Contains(near, name) {
				near = append(near, name)
			}
		}
	}
	return near
}

// firstPlaceholder gives the name in the first {param}, the one that candidates are compared with.
func firstPlaceholder(message string) string {
	_, rest, _ := strings.Cut(message, "{")
	name, _, ok := strings.Cut(rest, "}")
	if !ok {
		return ""
	}
	return name
}

// maxCandidates bounds the names that a suggestion is chosen from.
const maxCandidates = 20_000

// strings runs one of the tool's side statements and gives its first column.
func (h *sqlTool) strings(ctx context.Context, st catalog.Statement, args map[string]any) ([]string, error) {
	values := bind(h.tool, st, plainNames(h.tool, args), h.ownArgs(ctx, st))
	var sink firstColumn
	call := h.dbCall(ctx, st, values)
	call.MaxRows = maxCandidates
	_, err := h.run(ctx, call, &sink)
	return sink.values, err
}

// firstColumn is a sink that keeps the first value of each row.
type firstColumn struct{ values []string }

func (f *firstColumn) Columns([]postgres.Column) { f.values = nil }

func (f *firstColumn) Row(values [][]byte) bool {
	if len(values) > 0 && values[0] != nil {
		f.values = append(f.values, string(values[0]))
	}
	return true
}
