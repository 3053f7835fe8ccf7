package observe

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/postgres"
)

// Pool has connections to a database.
type Pool interface{ Stats() postgres.Stats }

// Metrics counts. It is safe for concurrent use; a nil one does not count.
type Metrics struct {
	registry *prometheus.Registry
	several  bool // databases: calls are counted by them

	mu    sync.Mutex
	pools map[string]map[string]Pool // by what they are of, and by name

	calls, rows, bytes, refusals, requests, reloads, permissions, fetches *prometheus.CounterVec
	duration                                                              *prometheus.HistogramVec
}

// buckets of durations, in seconds: from a look-up in the catalogue to the default time limit.
var buckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// NewMetrics makes Metrics. several says that there are several databases: then calls have a label for theirs.
func NewMetrics(version string, several bool) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), several: several, pools: map[string]map[string]Pool{}}
	tool := []string{"tool"}
	if several {
		tool = []string{"database", "tool"}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	m.calls = counter("calls_total", "Calls of tools that have been answered.", append(tool, "outcome")...)
	m.rows = counter("rows_total", "Rows in answers.", tool...)
	m.bytes = counter("answer_bytes_total", "Bytes of the text of answers.", tool...)
	m.refusals = counter("refusals_total", "Calls and requests that were refused.", "reason")
	m.requests = counter("http_requests_total", "HTTP requests, without those to /healthz and /readyz.", "status")
	m.reloads = counter("reloads_total", "Times that the tool files were read again.", "result")
	m.permissions = counter("permissions_reloads_total", "Times that the permissions were read again.", "result")
	m.fetches = counter("key_fetches_total", "Fetches of the issuer's keys.", "result")
	m.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "call_duration_seconds", Help: "Time from a call's start to its answer.",
		Buckets: buckets}, tool)
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info",
		Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 })
	m.registry.MustRegister(m.duration, build, poolCollector{m}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "mcp_postgres"

// Handler serves the numbers in Prometheus' formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// SetPools replaces the pools of an owner, a database or the roles, whose connections are shown; by name.
func (m *Metrics) SetPools(owner string, pools map[string]Pool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pools[owner] = pools
}

func (m *Metrics) call(c *Record) {
	outcome := outcome(c.Outcome)
	tool := []string{c.Tool}
	if m.several {
		tool = []string{c.Database, c.Tool}
	}
	m.duration.WithLabelValues(tool...).Observe(c.Duration.Seconds())
	m.rows.WithLabelValues(tool...).Add(float64(c.Rows))
	m.bytes.WithLabelValues(tool...).Add(float64(c.Bytes))
	m.calls.WithLabelValues(append(tool, outcome)...).Inc()
	if outcome == guard.Forbidden || outcome == guard.ReadOnly {
		m.refusals.WithLabelValues(outcome).Inc()
	}
}

// Reload counts one reading of the tool files.
func (m *Metrics) Reload(err error) {
	if m != nil {
		count(m.reloads, err)
	}
}

// PermissionsReload counts one reading of changed permissions.
func (m *Metrics) PermissionsReload(err error) {
	if m != nil {
		count(m.permissions, err)
	}
}

// KeyFetch counts one fetch of the issuer's keys.
func (m *Metrics) KeyFetch(err error) {
	if m != nil {
		count(m.fetches, err)
	}
}

func count(c *prometheus.CounterVec, err error) {
	result := outcomeOK
	if err != nil {
		result = "error"
	}
	c.WithLabelValues(result).Inc()
}

// outcomes are the codes of errors that stand for themselves.
var outcomes = []string{"ok", guard.Forbidden, guard.ReadOnly, CodeArguments, CodeNotFound, CodeTooLarge,
	CodeUnavailable, NoDatabase, CodeInternal}

// outcome is the class of a code; there are few of them, whatever the database says.
func outcome(code string) string {
	switch {
	case slices.Contains(outcomes, code):
		return code
	case len(code) != 5: // no SQLSTATE
		return "other"
	case code == "57014":
		return "stopped" // cancelled, or over the time limit
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"):
		return CodeUnavailable
	case strings.HasPrefix(code, "40"):
		return "conflict"
	}
	return "sql_error"
}

// Requests counts what next answers.
func (m *Metrics) Requests(next http.Handler) http.Handler {
	if m == nil {
		return next
	}
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

// Refused counts a refusal that the status of the answer w does not tell; w is nil where it has none. There are few
// reasons.
func (m *Metrics) Refused(w http.ResponseWriter, reason string) {
	if m == nil {
		return
	}
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

// poolCollector reads the state of the connections when it is asked for.
type poolCollector struct{ m *Metrics }

var (
	poolState = poolDesc("connections", "Connections to the database.", "state")
	poolMax   = poolDesc("connections_max", "Most connections to the database.")
	poolStuck = poolDesc("backends_stuck", "Backends that heed neither cancellation nor termination.")
	poolWaits = poolDesc("waits_total", "Calls that had to wait for a connection.")
	poolTime  = poolDesc("wait_seconds_total", "Time that calls have waited for connections.")
)

func poolDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_pool_"+name, help, append([]string{"pool"}, labels...), nil)
}

// Describe implements prometheus.Collector.
func (poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolState, poolMax, poolStuck, poolWaits, poolTime} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(out chan<- prometheus.Metric) {
	pools := map[string]Pool{}
	c.m.mu.Lock()
	for _, own := range c.m.pools {
		maps.Copy(pools, own)
	}
	c.m.mu.Unlock()
	for name, pool := range pools {
		p := pool.Stats()
		gauge := func(d *prometheus.Desc, n int, labels ...string) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), append([]string{name}, labels...)...)
		}
		gauge(poolState, p.Idle, "idle")
		gauge(poolState, p.Used, "used")
		gauge(poolState, p.Opening, "opening")
		gauge(poolMax, p.Max)
		gauge(poolStuck, p.Stuck)
		out <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(p.Waits), name)
		out <- prometheus.MustNewConstMetric(poolTime, prometheus.CounterValue, p.WaitTime.Seconds(), name)
	}
}
