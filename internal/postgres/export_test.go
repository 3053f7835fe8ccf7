package postgres

// MaxForeign is how many statements of callers a backend runs.
const MaxForeign = maxForeign
