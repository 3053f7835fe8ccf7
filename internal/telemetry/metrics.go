// Package telemetry tells the operator's tools what the server does: metrics for Prometheus and traces for OpenTelemetry.
package telemetry

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Call is one call of a tool that has been answered.
type Call struct {
	Tool string
	// Code is ok, or the code of the error.
	Code        string
	Duration    time.Duration
	Rows, Bytes int
}

// Pool is the state of the connections to a database.
type Pool struct {
	Max, Idle, Used, Opening int
	// Stuck are those of Used whose backend heeds neither cancellation nor termination.
	Stuck int
	// Waits counts calls that had to wait for a connection, and WaitTime how long in all.
	Waits    int64
	WaitTime time.Duration
}

// Metrics counts. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	calls, rows, bytes, refusals, requests, reloads, permissions, fetches *prometheus.CounterVec
	duration                                                              *prometheus.HistogramVec
}

// buckets of durations, in seconds: from a look-up in the catalogue to the default time limit.
var buckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// NewMetrics makes Metrics. pools gives the state of the connections by name; it is asked at each scrape.
func NewMetrics(version string, pools func() map[string]Pool) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.calls = counter("calls_total", "Calls of tools that have been answered.", "tool", "outcome")
	m.rows = counter("rows_total", "Rows in answers.", "tool")
	m.bytes = counter("answer_bytes_total", "Bytes of the text of answers.", "tool")
	m.refusals = counter("refusals_total", "Calls and requests that were refused.", "reason")
	m.requests = counter("http_requests_total", "HTTP requests, without those to /healthz and /readyz.", "status")
	m.reloads = counter("reloads_total", "Times that the tool files were read again.", "result")
	m.permissions = counter("permissions_reloads_total", "Times that the permissions were read again.", "result")
	m.fetches = counter("key_fetches_total", "Fetches of the issuer's keys.", "result")
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "call_duration_seconds", Help: "Time from a call's start to its answer.", Buckets: buckets}, []string{"tool"})
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 })
	m.registry.MustRegister(m.duration, build, poolCollector(pools), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "mcp_postgres"

// Handler serves the numbers in Prometheus' formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Call counts a call.
func (m *Metrics) Call(c Call) {
	outcome := Outcome(c.Code)
	m.calls.WithLabelValues(c.Tool, outcome).Inc()
	m.duration.WithLabelValues(c.Tool).Observe(c.Duration.Seconds())
	m.rows.WithLabelValues(c.Tool).Add(float64(c.Rows))
	m.bytes.WithLabelValues(c.Tool).Add(float64(c.Bytes))
	if outcome == forbidden || outcome == readOnly {
		m.refusals.WithLabelValues(outcome).Inc()
	}
}

// Reload counts one reading of the tool files.
func (m *Metrics) Reload(err error) { m.reloads.WithLabelValues(result(err)).Inc() }

// PermissionsReload counts one reading of changed permissions.
func (m *Metrics) PermissionsReload(err error) { m.permissions.WithLabelValues(result(err)).Inc() }

// KeyFetch counts one fetch of the issuer's keys.
func (m *Metrics) KeyFetch(err error) { m.fetches.WithLabelValues(result(err)).Inc() }

func result(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}

// The outcomes of calls that are refusals.
const (
	forbidden = "forbidden"
	readOnly  = "read_only"
)

// outcomes are the codes of errors that stand for themselves.
var outcomes = []string{"ok", forbidden, readOnly, "invalid_arguments", "not_found", "result_too_large", "unavailable", "no_database", "internal"}

// Outcome is the class of a code; there are few of them, whatever the database says.
func Outcome(code string) string {
	switch {
	case slices.Contains(outcomes, code):
		return code
	case len(code) != 5: // no SQLSTATE
		return "other"
	case code == "57014":
		return "stopped" // cancelled, or over the time limit
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"):
		return "unavailable"
	case strings.HasPrefix(code, "40"):
		return "conflict"
	}
	return "sql_error"
}

// Requests counts what next answers.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			m.requests.WithLabelValues(strconv.Itoa(s.status)).Inc()
			if reason := s.refusal(); reason != "" {
				m.refusals.WithLabelValues(reason).Inc()
			}
		}()
		next.ServeHTTP(s, r)
	})
}

// Refused counts a refusal that the status of the answer w does not tell; w is nil where it has none. There are few reasons.
func (m *Metrics) Refused(w http.ResponseWriter, reason string) {
	if s, ok := w.(*statusWriter); ok {
		s.reason = reason
		return
	}
	m.refusals.WithLabelValues(reason).Inc()
}

// reasons of refusals, by the status of the answer.
var reasons = map[int]string{
	http.StatusUnauthorized: "unauthenticated", http.StatusForbidden: "not_admitted", http.StatusTooManyRequests: "rate",
	http.StatusRequestEntityTooLarge: "too_large", http.StatusServiceUnavailable: "overloaded",
}

// statusWriter remembers the status, and a reason that was given.
type statusWriter struct {
	http.ResponseWriter
	status int
	reason string
}

// refusal is why the request was refused; empty if it was not.
func (w *statusWriter) refusal() string {
	switch {
	case w.reason != "":
		return w.reason
	case w.status == http.StatusBadRequest && w.Header().Get("WWW-Authenticate") != "":
		return "unauthenticated"
	}
	return reasons[w.status]
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
