package observe

var (
	Outcome = outcome
	TraceID = traceID
)
