package faults_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/faults"
)

func TestNearest(t *testing.T) {
	tables := []string{"shop.orders", "shop.order_items", "shop.customers", "billing.Orders", "shop.customer_orders", "café"}
	tests := []struct {
		word       string
		candidates []string
		n          int
		want       []string
	}{
		{"tabel", []string{"table", "label", "schema"}, 5, []string{"table", "label"}},
		{"naem", []string{"name", "named"}, 5, []string{"name"}},
		{"ctusmoers", []string{"customers"}, 1, []string{"customers"}}, // two swaps and no more
		{"TABLE", []string{"table"}, 1, []string{"table"}},
		{"order", tables, 9, []string{"shop.orders", "billing.Orders", "shop.order_items", "shop.customer_orders"}},
		{"order", tables, 1, []string{"shop.orders"}},
		{"shop.ordesr", tables, 1, []string{"shop.orders"}},
		{"cusotmers", tables, 1, []string{"shop.customers"}},
		{"cafe", tables, 1, []string{"café"}},
		{"a", []string{"b", "aa", "a_long_name"}, 5, []string{"aa"}},
		{"id", []string{"ix", "xy", "id_of_order"}, 5, []string{"ix"}},
		{"roles", []string{"access"}, 5, nil},
		{"invoices", []string{"tasks"}, 5, nil},
		{"", tables, 5, nil},
		{"order", nil, 5, nil},
		{"order", tables, 0, nil},
		{"order", tables, -1, nil},
		{"order", []string{"orders", "orders"}, 5, []string{"orders"}},
		{"order", []string{"", ".", "a."}, 5, nil},
		{strings.Repeat("order", 1000), []string{"order"}, 5, nil},
		{"\xff\xfe", []string{"\xff"}, 5, []string{"\xff"}},
	}
	for _, tt := range tests {
		got := faults.Nearest(tt.word, tt.candidates, tt.n)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("Nearest(%.20q, %q, %d) (-want +got):\n%s", tt.word, tt.candidates, tt.n, diff)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := faults.DidYouMean("tabel", []string{"table"}), `: did you mean "table"?`; got != want {
		t.Errorf("DidYouMean(tabel) = %s, want %s", got, want)
	}
	if got := faults.DidYouMean("zzz", []string{"table"}); got != "" {
		t.Errorf("DidYouMean(zzz) = %s, want nothing", got)
	}
}

// TestDistance holds the distance against its definition.
func TestDistance(t *testing.T) {
	for _, test := range []struct{ word, nearer, farther string }{
		{"orders", "ordres", "ordars"}, // a swap is nearer than a wrong letter
		{"orders", "order", "orde"},
		{"orders", "oorders", "oooders"},
		{"orders", "orxers", "oxxers"},
		{"größe", "grösse", "grasse"},
	} {
		got := faults.Nearest(test.word, []string{test.farther, test.nearer}, 1)
		if len(got) != 1 || got[0] != test.nearer {
			t.Errorf("Nearest(%q) = %q, want %q before %q", test.word, got, test.nearer, test.farther)
		}
	}
}
