package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// readyFor is how long an answer about readiness stands: who asks needs no token, and must not load the database.
	readyFor = time.Second
	// readyWait bounds how long the answer may take.
	readyWait = 3 * time.Second
	// leaveTime is how long the server goes on when it is not ready any more, if somebody watches that.
	leaveTime = 3 * time.Second
	watched   = 30 * time.Second
)

// health answers load balancers.
type health struct {
	server *Server

	mu      sync.Mutex
	missing map[string]string
	asked   time.Time     // the database
	seen    time.Time     // when somebody last asked
	left    chan struct{} // set when the server ends; closed when somebody has been told
}

func (h *health) alive(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n") // who has gone needs no answer
}

func (h *health) readiness(w http.ResponseWriter, r *http.Request) {
	missing := h.state(r.Context())
	status := http.StatusOK
	if len(missing) > 0 {
		status = http.StatusServiceUnavailable
	}
	b, err := json.Marshal(struct {
		Ready    bool              `json:"ready"`
		Missing  map[string]string `json:"missing,omitempty"`
		Warnings map[string]string `json:"warnings,omitempty"`
	}{len(missing) == 0, missing, h.warnings()})
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// lacks is what the server lacks to answer calls. Anybody may ask.
func (h *health) lacks(ctx context.Context) map[string]string {
	missing, s := map[string]string{}, h.server
	if problem := s.Registry.Ping(ctx); problem != "" {
		missing["database"] = problem
	}
	if s.Access != nil && s.Access.Verifier.Ready() != nil { // whose error may name hosts and addresses
		missing["keys"] = "those of the issuer are not loaded; the log says why"
	}
	if len(s.Registry.Names()) == 0 {
		missing["tools"] = "there are none"
	}
	return missing
}

// warnings are no reason to send requests elsewhere. The log has more.
func (h *health) warnings() map[string]string {
	stuck := len(h.server.Registry.Stuck())
	if stuck == 0 {
		return nil
	}
	return map[string]string{"database": fmt.Sprintf("backends that heed neither cancellation nor termination: %d", stuck)}
}

// state is what the server lacks at the moment.
func (h *health) state(ctx context.Context) map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.seen = now
	if h.left != nil {
		select {
		case <-h.left:
		default:
			close(h.left)
		}
		return map[string]string{"server": "it is shutting down"}
	}
	// While all slots are taken the database is at work, and a question would only wait.
	if now.Sub(h.asked) > readyFor && !h.server.slots.full() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWait)
		defer cancel()
		h.missing, h.asked = h.lacks(ctx), time.Now()
	}
	return h.missing
}

// leave makes the server not ready, and waits until a load balancer that has been asking knows.
func (h *health) leave(ctx context.Context) {
	h.mu.Lock()
	h.left = make(chan struct{})
	told, nobody := h.left, time.Since(h.seen) > watched
	h.mu.Unlock()
	if nobody {
		return
	}
	select {
	case <-told:
	case <-time.After(leaveTime):
	case <-ctx.Done():
	}
}
