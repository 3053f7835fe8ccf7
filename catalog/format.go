package catalog

import (
	"regexp"
	"strings"
	"time"
)

// Fits reports whether a text has the form of the type:
//
//	date         2024-01-31
//	time         09:30:00 or 09:30, with a fraction of a second if need be, and without a zone
//	timestamp    2024-01-31T09:30:00 or with a blank instead of the T, likewise
//	timestamptz  2024-01-31T09:30:00Z or with an offset such as +02:00 (RFC 3339)
//	interval     P1DT2H (RFC 3339, appendix A)
//	uuid         f81d4fae-7dec-11d0-a765-00a0c91e6bf6
//
// Every text fits the types that have no form of their own.
func (s Scalar) Fits(text string) bool {
	switch s {
	case Date:
		return isTime("2006-01-02", text)
	case Time:
		return isTime("15:04:05", text) || isTime("15:04:05", text+":00")
	case Timestamp:
		return isTime("2006-01-02T15:04:05", strings.Replace(text, " ", "T", 1))
	case Timestamptz:
		return isTime(time.RFC3339, text)
	case Interval:
		return intervalPattern.MatchString(text) && intervalUnit.MatchString(text)
	case UUID:
		return uuidPattern.MatchString(text)
	}
	return true
}

var (
	intervalPattern = regexp.MustCompile(`^P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?)$`)
	intervalUnit    = regexp.MustCompile(`\d[A-Z]$`)
	uuidPattern     = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)
)

// isTime leaves out what time.Parse is too kind about: the year 0, commas, and hours of one digit.
func isTime(layout, text string) bool {
	_, err := time.Parse(layout, text)
	return err == nil && strictTime.MatchString(text) && !strings.HasPrefix(text, "0000-")
}

var strictTime = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)?T?(\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?$`)

// Form describes a value of the type, to people and models.
func (s Scalar) Form() string {
	switch s {
	case Date:
		return "a date such as 2024-01-31"
	case Time:
		return "a time such as 09:30:00"
	case Timestamp:
		return "a timestamp such as 2024-01-31T09:30:00"
	case Timestamptz:
		return "a timestamp with a zone such as 2024-01-31T09:30:00Z"
	case Interval:
		return "an ISO 8601 duration such as P1DT2H"
	case UUID:
		return "a uuid such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	case JSON:
		return `JSON text such as {"key": "value"}`
	case Integer:
		return "an integer"
	}
	return "a " + string(s)
}
