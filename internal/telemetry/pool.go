package telemetry

import "github.com/prometheus/client_golang/prometheus"

// poolCollector reads the state of the connections when it is asked for.
type poolCollector func() map[string]Pool

var (
	poolState = prometheus.NewDesc(namespace+"_pool_connections", "Connections to the database.", []string{"pool", "state"}, nil)
	poolMax   = prometheus.NewDesc(namespace+"_pool_connections_max", "Most connections to the database.", []string{"pool"}, nil)
	poolStuck = prometheus.NewDesc(namespace+"_pool_backends_stuck", "Backends that heed neither cancellation nor termination.", []string{"pool"}, nil)
	poolWaits = prometheus.NewDesc(namespace+"_pool_waits_total", "Calls that had to wait for a connection.", []string{"pool"}, nil)
	poolTime  = prometheus.NewDesc(namespace+"_pool_wait_seconds_total", "Time that calls have waited for connections.", []string{"pool"}, nil)
)

// Describe implements prometheus.Collector.
func (poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolState, poolMax, poolStuck, poolWaits, poolTime} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(out chan<- prometheus.Metric) {
	for name, p := range c() {
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
