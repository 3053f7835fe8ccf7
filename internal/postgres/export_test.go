package postgres

// MaxUntrusted is how many statements of callers a backend runs.
const MaxUntrusted = maxUntrusted
