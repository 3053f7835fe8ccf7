package demo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/demo"
)

// relations are the tables of the sample with their rows, as a line each.
const relations = `
SELECT string_agg(format('%s.%s %s', nspname, relname, reltuples), E'\n' ORDER BY nspname, relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname IN ('shop', 'billing') AND relkind IN ('r', 'p', 'm') AND NOT relispartition`

// TestSampleRows compares the row estimates, so it checks the ANALYZE as well.
func TestSampleRows(t *testing.T) {
	c := start(t, demo.Config{Sample: true})
	want := `billing.invoices 1920
billing.payments 2049
billing.payments_import 307
shop.addresses 533
shop.categories 20
shop.customers 400
shop.employees 18
shop.events 4000
shop.monthly_sales 166
shop.order_items 4996
shop.orders 2000
shop.products 120
shop.returns 119
shop.reviews 782`
	if diff := cmp.Diff(want, value(t, c.URL(), relations)); diff != "" {
		t.Errorf("rows of the sample (-want +got):\n%s", diff)
	}
}

func TestSampleIsTheSameEachTime(t *testing.T) {
	one, two := start(t, demo.Config{Sample: true}), start(t, demo.Config{Sample: true, TCP: true})
	names := value(t, one.AdminURL(), "SELECT string_agg(format('%s.%s', schemaname, tablename), ' ' ORDER BY 1) FROM pg_tables WHERE schemaname IN ('shop', 'billing')")
	for name := range strings.FieldsSeq(names) {
		contents := fmt.Sprintf(`SELECT md5(string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C")) FROM %s t`, name)
		if a, b := value(t, one.URL(), contents), value(t, two.URL(), contents); a != b {
			t.Errorf("md5 of %s = %s and %s, want the same twice", name, a, b)
		}
	}
}

func TestSampleShape(t *testing.T) {
	c := start(t, demo.Config{Sample: true})
	const ours = "IN (SELECT oid FROM pg_class WHERE relnamespace IN ('shop'::regnamespace, 'billing'::regnamespace))"
	for _, tt := range []struct{ name, query, want string }{
		{"unqualified names", "SELECT count(*) > 0 FROM orders JOIN invoices ON order_id = orders.id", "t"},
		{"search path of the superuser", "SELECT current_setting('search_path')", demo.SearchPath},
		{"owner", "SELECT bool_and(relowner = 'demo'::regrole) FROM pg_class WHERE oid " + ours, "t"},
		{"foreign keys across schemas", "SELECT count(*) > 1 FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ 'invoices' AND confrelid::regclass::text ~ 'orders|customers'", "t"},
		{"composite foreign keys", "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND cardinality(conkey) = 2", "2"},
		{"self references", "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = confrelid", "2"},
		{"partitions", "SELECT count(*) FROM pg_inherits WHERE inhparent = 'shop.events'::regclass", "4"},
		{"every partition but the default has rows", "SELECT string_agg(DISTINCT tableoid::regclass::text, ' ') FROM events", "events_2025_10 events_2025_11 events_2025_12"},
		{"tables without a comment", "SELECT count(*) FROM pg_class WHERE oid " + ours + " AND relkind IN ('r', 'p', 'v', 'm') AND obj_description(oid, 'pg_class') IS NULL AND (NOT relispartition)", "0"},
		{"identity and generated columns", "SELECT count(*) FILTER (WHERE attidentity <> '') > 3 AND count(*) FILTER (WHERE attgenerated <> '') > 3 FROM pg_attribute WHERE attrelid " + ours, "t"},
		{"reviews without their product", "SELECT count(*) FROM reviews r LEFT JOIN products p ON p.id = product_id WHERE p.id IS NULL", "0"},
		{"shipping in time", "SELECT count(*) FROM orders WHERE status = 'delivered' AND delivered_at IS NULL OR delivered_at > '2026-01-01'", "0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := value(t, c.AdminURL(), tt.query); got != tt.want {
				t.Errorf("%s = %s, want %s", tt.query, got, tt.want)
			}
		})
	}
}
