package observe_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"mcp-postgres/internal/observe"
)

// receiver is an OTLP collector.
type receiver struct {
	mu      sync.Mutex
	spans   map[string]*tracepb.Span // by name
	service string
}

func newReceiver(t *testing.T) (*receiver, string) {
	t.Helper()
	r := &receiver{spans: map[string]*tracepb.Span{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var got collector.ExportTraceServiceRequest
	body, err := io.ReadAll(req.Body)
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &got) != nil {
		http.Error(w, "not OTLP", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range got.ResourceSpans {
		for _, a := range rs.Resource.Attributes {
			if a.Key == "service.name" {
				r.service = a.Value.GetStringValue()
			}
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				r.spans[s.Name] = s
			}
		}
	}
}

const (
	headerTrace = "0af7651916cd43dd8448eb211c80319c"
	metaTrace   = "4bf92f3577b34da6a3ce929d0e0e4736"
)

func TestTracer(t *testing.T) {
	r, url := newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_SERVICE_NAME", "orders")
	var logged bytes.Buffer
	tracer, err := observe.NewTracer(t.Context(), "1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	observer := observe.Observer{Tracer: tracer}
	log := slog.New(tracer.Logs(slog.NewTextHandler(&logged, nil))).With("a", 1)
	call := func(ctx context.Context, tool string, meta map[string]any) {
		ctx, end := tracer.Request(ctx, "tools/call", tool, meta)
		defer end()
		inside, endGuard := tracer.Span(ctx, "guard "+tool)
		endGuard("forbidden")
		log.InfoContext(inside, "call", "trace", observe.TraceID(inside))
		observer.Call(ctx, &observe.Record{Tool: tool, Outcome: "forbidden"})
	}
	h := tracer.Requests(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		call(r.Context(), "header", nil)
		call(r.Context(), "meta", map[string]any{"traceparent": "00-" + metaTrace + "-00f067aa0ba902b7-01"})
	}))
	req := httptest.NewRequest(http.MethodPost, "/mcp", nil)
	req.Header.Set("Traceparent", "00-"+headerTrace+"-b7ad6b7169203331-01")
	h.ServeHTTP(httptest.NewRecorder(), req)
	call(t.Context(), "none", map[string]any{"traceparent": "nonsense"})
	call(t.Context(), "unsampled", map[string]any{"traceparent": "00-" + metaTrace + "-00f067aa0ba902b7-00"})
	_, end := tracer.Span(t.Context(), "orphan")
	end("")
	tracer.Close()
	for tool, want := range map[string]string{"header": headerTrace, "meta": metaTrace} {
		request, guard := r.spans["tools/call "+tool], r.spans["guard "+tool]
		if request == nil || guard == nil {
			t.Fatalf("%s: spans are %v, want a request and a guard", tool, r.spans)
		}
		if got := hex.EncodeToString(request.TraceId); got != want {
			t.Errorf("%s: the trace is %s, want %s", tool, got, want)
		}
		if !bytes.Equal(guard.ParentSpanId, request.SpanId) || guard.Status.Message != "forbidden" || request.Status.Code != tracepb.Status_STATUS_CODE_ERROR {
			t.Errorf("%s: guard is %v, want it in the request and failed", tool, guard)
		}
	}
	if meta := r.spans["tools/call meta"]; len(meta.Links) != 1 || hex.EncodeToString(meta.Links[0].TraceId) != headerTrace {
		t.Errorf("links of a call with both = %v, want that of the header", meta.Links)
	}
	if none := r.spans["tools/call none"]; none == nil || len(none.ParentSpanId) != 0 {
		t.Errorf("a nonsensical traceparent gives %v, want a trace of its own", none)
	}
	if r.spans["tools/call unsampled"] != nil || r.spans["orphan"] != nil {
		t.Errorf("spans = %v, want none that the client does not sample and none without a request", r.spans)
	}
	if r.service != "orders" {
		t.Errorf("service.name = %q, want OTEL_SERVICE_NAME", r.service)
	}
	if got := strings.Count(logged.String(), "trace_id="); got != 3 {
		t.Errorf("%d lines have a trace, want 3:\n%s", got, logged.String())
	}
}

func TestNoTracer(t *testing.T) {
	_, url := newReceiver(t)
	for _, test := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url + "/v1/traces"}, true},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_SDK_DISABLED": "true"}, false},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"} {
			t.Setenv(name, test.env[name])
		}
		tracer, err := observe.NewTracer(t.Context(), "1", slog.New(slog.DiscardHandler))
		if err != nil || (tracer != nil) != test.want {
			t.Errorf("NewTracer with %v = %v, %v; want one: %v", test.env, tracer, err, test.want)
		}
		ctx, end := tracer.Request(t.Context(), "tools/call", "x", map[string]any{"traceparent": "00-" + metaTrace + "-00f067aa0ba902b7-01"})
		if got := observe.TraceID(ctx); (got == metaTrace) != test.want {
			t.Errorf("with %v the trace is %q", test.env, got)
		}
		end()
		tracer.Close()
	}
}

// BenchmarkOff is what a call pays for traces that nobody wants.
func BenchmarkOff(b *testing.B) {
	var tracer *observe.Tracer
	for b.Loop() {
		ctx, end := tracer.Request(b.Context(), "tools/call", "query", nil)
		_, endSpan := tracer.Span(ctx, "query")
		endSpan("")
		end()
	}
}
