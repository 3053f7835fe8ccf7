package observe_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mcp-postgres/internal/observe"
	"mcp-postgres/internal/postgres"
)

func TestOutcome(t *testing.T) {
	for code, want := range map[string]string{
		"ok": "ok", "forbidden": "forbidden", "read_only": "read_only", "invalid_arguments": "invalid_arguments", "not_found": "not_found",
		"unavailable": "unavailable", "internal": "internal", "57014": "stopped", "57P01": "unavailable", "08006": "unavailable", "53300": "unavailable",
		"40001": "conflict", "40P01": "conflict", "42703": "sql_error", "P0001": "sql_error", "busy": "other", "": "other", "made up": "other",
	} {
		if got := observe.Outcome(code); got != want {
			t.Errorf("Outcome(%q) = %q, want %q", code, got, want)
		}
	}
}

// pool is one whose numbers never change.
type pool postgres.Stats

func (p pool) Stats() postgres.Stats { return postgres.Stats(p) }

func TestMetrics(t *testing.T) {
	ctx := t.Context()
	m := observe.NewMetrics("1.2.3", false)
	m.SetPools("", map[string]observe.Pool{"shared": pool{Max: 10, Idle: 2, Used: 3, Opening: 1, Waits: 7, WaitTime: 1500 * time.Millisecond}})
	o := observe.Observer{Metrics: m}
	o.Call(ctx, &observe.Record{Tool: "list_tables", Outcome: "ok", Duration: 30 * time.Millisecond, Rows: 5, Bytes: 700})
	o.Call(ctx, &observe.Record{Tool: "query", Outcome: "42703"})
	o.Call(ctx, &observe.Record{Tool: "query", Outcome: "22012"})
	o.Call(ctx, &observe.Record{Tool: "query", Outcome: "read_only"})
	m.Reload(nil)
	m.Reload(errors.New("no"))
	m.KeyFetch(nil)
	m.Refused(nil, "busy")
	m.Requests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.Refused(w, "origin")
		w.WriteHeader(http.StatusForbidden)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/mcp", nil))
	m.Requests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.WriteHeader(http.StatusBadRequest)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/mcp", nil))
	for _, status := range []int{200, 400, 401, 429} {
		h := m.Requests(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/mcp", nil))
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	lines := strings.Split(w.Body.String(), "\n")
	for _, want := range []string{
		`mcp_postgres_calls_total{outcome="ok",tool="list_tables"} 1`,
		`mcp_postgres_calls_total{outcome="sql_error",tool="query"} 2`,
		`mcp_postgres_call_duration_seconds_bucket{tool="list_tables",le="0.05"} 1`,
		`mcp_postgres_call_duration_seconds_bucket{tool="list_tables",le="0.025"} 0`,
		`mcp_postgres_rows_total{tool="list_tables"} 5`,
		`mcp_postgres_answer_bytes_total{tool="list_tables"} 700`,
		`mcp_postgres_refusals_total{reason="read_only"} 1`,
		`mcp_postgres_refusals_total{reason="rate"} 1`,
		`mcp_postgres_refusals_total{reason="unauthenticated"} 2`,
		`mcp_postgres_refusals_total{reason="busy"} 1`,
		`mcp_postgres_refusals_total{reason="origin"} 1`,
		`mcp_postgres_http_requests_total{status="200"} 1`,
		`mcp_postgres_reloads_total{result="error"} 1`,
		`mcp_postgres_key_fetches_total{result="ok"} 1`,
		`mcp_postgres_pool_connections{pool="shared",state="used"} 3`,
		`mcp_postgres_pool_connections_max{pool="shared"} 10`,
		`mcp_postgres_pool_waits_total{pool="shared"} 7`,
		`mcp_postgres_pool_wait_seconds_total{pool="shared"} 1.5`,
		`mcp_postgres_build_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains("\n"+strings.Join(lines, "\n")+"\n", "\n"+want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(w.Body.String(), "not_admitted") {
		t.Error("a refusal with a reason is counted by its status too")
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

// BenchmarkCall is what a call pays for being counted.
func BenchmarkCall(b *testing.B) {
	o, ctx := observe.Observer{Metrics: observe.NewMetrics("1", false)}, b.Context()
	for b.Loop() {
		o.Call(ctx, &observe.Record{Tool: "query", Outcome: "ok", Duration: time.Millisecond, Rows: 1, Bytes: 100})
	}
}
