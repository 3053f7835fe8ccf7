package guard_test

import (
	"testing"

	"mcp-postgres/internal/guard"
)

func TestSeesNote(t *testing.T) {
	all := &guard.Role{Schemas: []string{"shop", "crm"}, AllTables: true}
	some := &guard.Role{Schemas: []string{"shop", "crm"}, Tables: []guard.Table{{Name: "item"}, {Schema: "crm", Name: "lead"}}}
	for _, test := range []struct {
		role *guard.Role
		name string
		want bool
	}{
		{all, "shop", true}, {all, "crm.lead.id", true}, {all, "shop.refund()", true},
		{all, "shop2", false}, {all, "shop2.item", false}, {all, "sho", false}, {all, "billing.item", false},
		{some, "shop", true}, {some, "shop.item", true}, {some, "shop.item.id", true}, {some, "crm.item", true}, {some, "crm.lead.id", true},
		{some, "shop.lead", false}, {some, "shop.items", false}, {some, "shop.items.id", false}, {some, "shop.other.item", false}, {some, "shop.refund()", false},
		{some, "item", false}, {some, "billing", false},
		{&guard.Role{}, "shop", false}, {nil, "shop", false},
	} {
		if got := test.role.SeesNote(test.name); got != test.want {
			t.Errorf("SeesNote(%q) of %+v = %v, want %v", test.name, test.role, got, test.want)
		}
	}
}
