package serve

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
)

// post reads a message that a client has posted. If there is none that can be one it answers, and ok is false. The message counts
// as one of its caller until c.end is called.
func (t *Transport) post(w http.ResponseWriter, r *http.Request) (m envelope, message []byte, c *charge, ok bool) {
	c = &charge{load: t.load, caller: t.callerOf(r)}
	if m, message, ok = t.read(w, r, c); !ok {
		c.end()
	}
	return m, message, c, ok
}

func (t *Transport) read(w http.ResponseWriter, r *http.Request, c *charge) (m envelope, message []byte, ok bool) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "want POST here; this server sends nothing by itself")
		return m, nil, false
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		refuse(w, http.StatusUnsupportedMediaType, "want Content-Type: application/json")
		return m, nil, false
	}
	if message, ok = t.readBody(w, r, c); !ok {
		return m, nil, false
	}
	m, refused := open(message)
	if refused != nil {
		refuseWith(w, http.StatusBadRequest, refused)
	}
	return m, message, refused == nil
}

func isJSON(contentType string) bool {
	const want = "application/json"
	if contentType == want {
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == want
}

func (t *Transport) readBody(w http.ResponseWriter, r *http.Request, c *charge) ([]byte, bool) {
	var tooBig *http.MaxBytesError
	c.body = http.MaxBytesReader(w, r.Body, maxMessage)
	length := int(min(max(r.ContentLength, 0), maxMessage))
	var message []byte
	err := errLoad
	if c.reserve(length) {
		buf := bytes.NewBuffer(make([]byte, 0, length+bytes.MinRead))
		_, err = buf.ReadFrom(c)
		message = buf.Bytes()
	}
	switch {
	case errors.Is(err, errLoad):
		_, _ = io.Copy(io.Discard, c.body) // a client that still sends would not see the answer
		t.Refused(w, "busy")
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, err.Error())
	case errors.As(err, &tooBig):
		refuseWith(w, http.StatusRequestEntityTooLarge, tooLong(message))
	case err != nil:
		refuseWith(w, http.StatusBadRequest, rpcError(nil, mcp.PARSE_ERROR, "the message did not come whole"))
	}
	return message, err == nil
}

// accepts reports whether the client reads a media type.
func accepts(r *http.Request, kind string) bool {
	lines := r.Header.Values("Accept")
	if len(lines) == 0 {
		return true
	}
	major, _, _ := strings.Cut(kind, "/")
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		name, _, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case kind, major + "/*", "*/*":
			return true
		}
	}
	return false
}
