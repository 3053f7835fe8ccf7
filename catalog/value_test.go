package catalog_test

import (
	"testing"

	"mcp-postgres/catalog"
)

func TestForms(t *testing.T) {
	tests := []struct {
		scalar   catalog.Scalar
		yes, not []string
	}{
		{catalog.String, []string{"", "x"}, nil},
		{catalog.Date, []string{"2024-01-31", "0001-01-01", "2024-02-29"},
			[]string{"", "2024-1-31", "2023-02-29", "0000-01-01", "24-01-01", "2024-01-31T", "infinity", "2024-01-31 ", "12024-01-01"}},
		{catalog.Time, []string{"09:30:00", "09:30", "00:00:00", "23:59:59.999999"},
			[]string{"9:30:00", "9:30", "09", "24:00:00", "09:30:00Z", "09:30:00,5", "T09:30:00", "09:30:60"}},
		{catalog.Timestamp, []string{"2024-01-31T09:30:00", "2024-01-31 09:30:00", "2024-01-31T09:30:00.5"},
			[]string{"2024-01-31  09:30:00", "2024-01-31 T09:30:00", "2024-01-31", "2024-01-31T09:30:00Z", "2024-13-31T09:30:00"}},
		{catalog.Timestamptz, []string{"2024-01-31T09:30:00Z", "2024-01-31T09:30:00.5+02:00"},
			[]string{"2024-01-31T09:30:00", "2024-01-31 09:30:00Z", "2024-01-31T09:30:00+2", "2024-01-31t09:30:00z"}},
		{catalog.Interval, []string{"P1D", "PT5M", "P1Y2M3DT4H5M6S", "P2W"},
			[]string{"", "P", "PT", "P1DT", "1 day", "P1W2D", "P1D2M", "-P1D", "P1.5D"}},
		{catalog.UUID, []string{"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"},
			[]string{"f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "x81d4fae-7dec-11d0-a765-00a0c91e6bf6"}},
	}
	for _, tt := range tests {
		p := catalog.Param{Name: "p", Type: catalog.Type{Scalar: tt.scalar}}
		for _, text := range tt.yes {
			if v, problems := p.Take(text); problems != nil || v != text {
				t.Errorf("Take(%q) of type %s = %v, %v, want it taken", text, tt.scalar, v, problems)
			}
		}
		for _, text := range tt.not {
			if v, problems := p.Take(text); problems == nil {
				t.Errorf("Take(%q) of type %s = %v, want it refused", text, tt.scalar, v)
			}
		}
	}
}
