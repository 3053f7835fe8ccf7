package guard

// stateName is the name of a SQLSTATE, or of its class, as PostgreSQL's manual has it (Appendix A).
func stateName(code string) string {
	if name := stateNames[code]; name != "" {
		return name
	}
	if len(code) == 5 {
		if name := stateNames[code[:2]]; name != "" {
			return name
		}
	}
	return "an error"
}

// stateNames are those that a statement meets while it runs, and the classes of the others.
var stateNames = map[string]string{
	"08": "connection exception", "0A": "feature not supported", "20": "case not found", "21": "cardinality violation", "22": "data exception",
	"23": "integrity constraint violation", "24": "invalid cursor state", "25": "invalid transaction state", "2B": "dependent objects still exist",
	"2F": "SQL routine exception", "34": "invalid cursor name", "38": "external routine exception", "39": "external routine invocation exception",
	"3F": "invalid schema name", "40": "transaction rollback", "42": "syntax error or access rule violation", "44": "check option violation",
	"53": "insufficient resources", "54": "program limit exceeded", "55": "object not in prerequisite state", "57": "operator intervention",
	"58": "system error", "HV": "foreign data wrapper error", "P0": "PL/pgSQL error", "XX": "internal error",

	"22001": "string data right truncation", "22003": "numeric value out of range", "22004": "null value not allowed", "22007": "invalid datetime format",
	"22008": "datetime field overflow", "22009": "invalid time zone displacement value", "22011": "substring error", "22012": "division by zero",
	"22013": "invalid preceding or following size", "2201B": "invalid regular expression", "2201E": "invalid argument for logarithm",
	"2201F": "invalid argument for power function", "2201W": "invalid row count in LIMIT clause", "2201X": "invalid row count in OFFSET clause",
	"22021": "character not in repertoire", "22023": "invalid parameter value", "22025": "invalid escape sequence", "2202E": "array subscript error",
	"22030": "duplicate JSON object key value", "22032": "invalid JSON text", "22033": "invalid SQL/JSON subscript", "2203A": "SQL/JSON member not found",
	"22P02": "invalid text representation", "22P03": "invalid binary representation", "22P05": "untranslatable character",
	"2200H": "sequence generator limit exceeded", "42501": "insufficient privilege", "42601": "syntax error", "42704": "undefined object",
	"42804": "datatype mismatch", "42883": "undefined function", "42P01": "undefined table", "42P17": "invalid object definition",
	"54000": "program limit exceeded", "54001": "statement too complex", "53200": "out of memory", "53400": "configuration limit exceeded",
}
