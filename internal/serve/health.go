package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
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

	mu       sync.Mutex
	missing  map[string]string
	warnings map[string]string
	problems map[string]string // of databases
	asked    time.Time         // the database
	seen     time.Time         // when somebody last asked
	left     chan struct{}     // set when the server ends; closed when somebody has been told
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
	}{len(missing) == 0, missing, h.warned()})
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// lacks is what the server lacks to answer calls. Of several databases one that answers is enough. Anybody may ask: the
// names of databases, which not every role may know, are told only where /metrics has them too, or nobody has a role.
func (h *health) lacks(ctx context.Context) (missing, warnings map[string]string) {
	s, down := h.server, h.down(ctx)
	missing, all := map[string]string{}, s.Databases.All()
	some := len(down) < len(all)
	if len(down) > 0 && len(all) > 1 && s.Access != nil && s.Observer.Metrics == nil {
		down = map[string]string{"databases": "some do not answer; the log says which"}
	}
	if some {
		warnings = down
	} else {
		missing = maps.Clone(down)
	}
	if a := s.Access; a != nil && a.Verifier.Ready() != nil { // whose error may name hosts and addresses
		missing["keys"] = "those of the issuer are not loaded; the log says why"
	}
	if len(s.Databases.Names()) == 0 {
		missing["tools"] = "there are none"
	}
	return missing, warnings
}

// down are the databases that do not answer, which are asked at the same time. One all of whose slots are taken is at
// work, and a question would only wait: what it last was stands.
func (h *health) down(ctx context.Context) map[string]string {
	all := h.server.Databases.All()
	problems := make([]string, len(all))
	var wait sync.WaitGroup
	for i, d := range all {
		name := strings.TrimSpace("database " + d.Name)
		if problems[i] = h.problems[name]; !h.server.slotsOf(d).full() {
			wait.Go(func() { problems[i] = d.Ping(ctx) })
		}
	}
	wait.Wait()
	h.problems = map[string]string{}
	for i, d := range all {
		if problems[i] != "" {
			h.problems[strings.TrimSpace("database "+d.Name)] = problems[i]
		}
	}
	return h.problems
}

// warned are problems that an operator should look at; requests can still be sent here. The log has details.
func (h *health) warned() map[string]string {
	h.mu.Lock()
	warnings := maps.Clone(h.warnings)
	h.mu.Unlock()
	if stuck := len(h.server.Databases.Stuck()); stuck > 0 {
		if warnings == nil {
			warnings = map[string]string{}
		}
		warnings["database"] = fmt.Sprintf("backends that heed neither cancellation nor termination: %d", stuck)
	}
	return warnings
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
	if now.Sub(h.asked) > readyFor {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWait)
		defer cancel()
		h.missing, h.warnings = h.lacks(ctx)
		h.asked = time.Now()
	}
	return h.missing
}

// leave makes the server not ready, and waits until a load balancer that has been asking has seen that.
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
