package auth

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// denial is an answer instead of the handler's.
type denial struct {
	status    int
	challenge bool   // say how to get in (WWW-Authenticate)
	code      string // of RFC 6750; may be empty
	message   string // with a challenge: printable ASCII without quotes
	retry     time.Duration
}

// rpcError is a JSON-RPC error that belongs to no request: the message has not been read.
type rpcError struct {
	Version string  `json:"jsonrpc"`
	ID      *string `json:"id"`
	Error   struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (d *denial) write(w http.ResponseWriter, r *http.Request, res Resource) {
	h := w.Header()
	if d.challenge {
		h.Set("WWW-Authenticate", d.wwwAuthenticate(r, res))
	}
	if d.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(d.retry.Seconds()))))
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	body := rpcError{Version: "2.0"}
	body.Error.Code, body.Error.Message = -32000, d.message
	w.WriteHeader(d.status)
	_ = json.NewEncoder(w).Encode(body) // an error is the client's going away
}

// wwwAuthenticate is RFC 6750, section 3, with resource_metadata of RFC 9728, section 5.1.
func (d *denial) wwwAuthenticate(r *http.Request, res Resource) string {
	parts := []string{`Bearer realm="mcp-postgres"`}
	if d.code != "" {
		parts = append(parts, `error="`+d.code+`"`, `error_description="`+d.message+`"`)
	}
	if u, ok := res.at(r); ok {
		parts = append(parts, `resource_metadata="`+metadataURL(u)+`"`)
	}
	if len(res.Scopes) > 0 {
		parts = append(parts, `scope="`+strings.Join(res.Scopes, " ")+`"`)
	}
	return strings.Join(parts, ", ")
}
