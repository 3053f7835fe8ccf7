package sqlscan

import "github.com/pganalyze/pg_query_go/v6/parser"

// Fingerprint is the same for statements that differ in constants and layout alone. The error is one of Analyze's for
// text that can't be parsed.
func Fingerprint(sql string) (string, error) {
	if _, err := CheckLimits(sql, MaxBytes); err != nil {
		return "", err
	}
	print, err := parser.FingerprintToHexStr(sql)
	if err != nil {
		return "", &SyntaxError{Message: err.Error()}
	}
	return print, nil
}
