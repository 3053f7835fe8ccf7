package registry

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"

	"mcp-postgres/catalog"
)

// cursor is the place after one page. It is opaque to callers and belongs to one tool and one set of arguments; its
// values travel as bound parameters, so a forged one can do nothing but move the place.
type cursor struct {
	Bound string   `json:"b"` // binding
	Key   []string `json:"k"`
}

// binding is a fingerprint of the tool and of its arguments other than those of the page.
func binding(t *catalog.Tool, args map[string]any) (string, error) {
	own := make(map[string]any, len(args))
	for _, p := range t.Params {
		if v, ok := args[p.Name]; ok {
			own[p.Name] = v
		}
	}
	b, err := json.Marshal([]any{t.Name, t.Page.Key, t.Page.Descending, own})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:9]), nil
}

func nextCursor(t *catalog.Tool, args map[string]any, key []string) (string, error) {
	bound, err := binding(t, args)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(cursor{Bound: bound, Key: key})
	return base64.RawURLEncoding.EncodeToString(b), err
}

// pageKey reads the cursor of a call; nil without one.
func pageKey(t *catalog.Tool, args map[string]any) ([]string, error) {
	text, ok := args[catalog.ArgCursor].(string)
	if !ok || text == "" {
		return nil, nil
	}
	var c cursor
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil || len(c.Key) != len(t.Page.Key) ||
		slices.ContainsFunc(c.Key, func(k string) bool { return slices.Contains([]byte(k), 0) }) {
		return nil, argumentError("cursor: not a cursor of this server: want the next_cursor of the previous page, or leave it out for the first page")
	}
	bound, err := binding(t, args)
	if err != nil {
		return nil, err
	}
	if c.Bound != bound {
		return nil, argumentError("cursor: belongs to a call of another tool or with other arguments: repeat the arguments of the first page, or leave the cursor out")
	}
	return c.Key, nil
}
