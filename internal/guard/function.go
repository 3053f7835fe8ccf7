package guard

import (
	"slices"
	"strings"

	"mcp-postgres/internal/sqlscan"
)

func (d *decision) functions() *Refusal {
	for i, f := range d.st.Functions {
		if r := d.function(f, d.resolved.Functions[i]); r != nil {
			return r
		}
		for _, t := range d.resolved.Conversions[i] {
			if r := d.conversion(f, t); r != nil {
				return r
			}
		}
	}
	return nil
}

// function decides on a call by name. Which candidate it is depends on the arguments: all must be allowed.
func (d *decision) function(f sqlscan.Object, candidates []Function) *Refusal {
	name := written(f.Schema, f.Name)
	own := (f.Schema == "" || f.Schema == "pg_catalog") && d.lists.functions[f.Name].covers(d.Role)
	if own && f.Name == "format" && !f.Field && !constantFormats(d.sql) {
		return refuse("function", f.Position, "format is possible with a constant format string, in one piece, "+
			"whose widths have at most 4 digits: nothing can interrupt it otherwise")
	}
	switch {
	case own || (f.Field || f.Syntax > 0) && len(candidates) == 0: // a column, or a part of the language
	case d.Role != nil && !f.Field && !slices.ContainsFunc(candidates, d.callable):
		return refuse("function", f.Position, "function %s is not one that role %s may call", name, d.Role.Name)
	case len(candidates) == 0:
		d.unknown("function " + name)
	}
	for _, c := range candidates {
		if c.System && own {
			continue
		}
		if r := d.candidate(c, f, name); r != nil {
			return r
		}
	}
	return nil
}

// conversion decides on a call that may be a cast to a type of that name; row types can't be meant.
func (d *decision) conversion(f sqlscan.Object, t Type) *Refusal {
	if t.Row || t.System {
		return nil
	}
	return d.userType(f, []Type{t})
}

// callable reports whether the role may call a candidate.
func (d *decision) callable(c Function) bool {
	return !c.System &&
		(d.lists.allowsExtension(c, d.Role) || d.lists.allowsExtensionSQL(c, d.Role) ||
			d.Role.allowsFunction(c.Schema, c.Name))
}

func (d *decision) candidate(c Function, f sqlscan.Object, name string) *Refusal {
	switch {
	case c.System && c.Schema == "information_schema" && d.Role == nil:
		return nil
	case c.System && d.Role != nil:
		return refuse("function", f.Position, "function %s is not one that role %s may call", name, d.Role.Name)
	case c.System:
		return refuse("function", f.Position, "function %s is not on the list of functions that only read", name)
	}
	return d.userFunction(c, f.Position, "function "+name)
}

// userFunction decides on a function outside pg_catalog. In read-only mode its body is to be looked at.
func (d *decision) userFunction(c Function, position int, what string) *Refusal {
	if d.lists.allowsExtension(c, d.Role) {
		return nil
	}
	d.verdict.Clean = false
	known := d.lists.allowsExtensionSQL(c, d.Role)
	if d.Role != nil && !known && !d.Role.allowsFunction(c.Schema, c.Name) {
		return refuse("function", position, "%s is not one that role %s may call%s", what, d.Role.Name, c.advice())
	}
	if d.Role != nil && d.st.Explain && !known && c.Language == "sql" {
		return refuse("explain", position, "EXPLAIN would show the definition of %s", written(c.Schema, c.Name))
	}
	if !d.ReadOnly {
		return nil
	}
	switch {
	case c.Kind == "a", c.Language == "sql", c.Language == "plpgsql":
		d.use("function", c.OID)
		return nil
	case c.Language == rangeConstructor, d.lists.allowsExtension(c, nil):
		return nil
	}
	return refuse("function", position,
		"%s is in language %s, whose code can't be looked at: read-only mode can't bound what it does%s",
		what, c.Language, c.advice())
}

// advice says what to do about an operator of an extension.
func (c Function) advice() string {
	if c.Extension == "" || !strings.HasPrefix(c.Of, "operator ") {
		return ""
	}
	where := ""
	if c.Schema != "pg_catalog" {
		where = ", or keep the extension in a schema outside the search path"
	}
	return "; it belongs to extension " + c.Extension + ": leave out tables and functions with values of its types" + where
}

// hiddenFunction decides on a function that runs without being named, and gives what must be decided on too.
func (r Restriction) hiddenFunction(f Function) ([]object, *Refusal) {
	d := &decision{Restriction: r, st: &sqlscan.Statement{}, lists: known()}
	refusal := d.first(func() *Refusal { return d.hidden(f, 0) })
	return d.verdict.Uses, refusal
}

// hidden decides on a function that runs without being named.
func (d *decision) hidden(c Function, position int) *Refusal {
	if c.System {
		if c.Inner || d.lists.functions[c.Name].covers(d.Role) {
			return nil
		}
		return refuse("function", position,
			"%s calls function %s, which is not on the list of functions that only compute", c.Of, c.Name)
	}
	name := "function " + written(c.Schema, c.Name)
	if d.Role != nil && c.Extension == "" && !d.Role.sees(c.Schema, "") {
		name = "a function of another schema" // whose name is not for the role
	}
	return d.userFunction(c, position, c.Of+" calls "+name+", which")
}

func (d *decision) operators() *Refusal {
	for i, op := range d.st.Operators {
		candidates := d.resolved.Operators[i]
		if d.Role != nil && op.Schema != "" && op.Schema != "pg_catalog" &&
			!slices.Contains(d.Role.Schemas, op.Schema) && !d.extensionOnly(candidates) {
			return refuse("operator", op.Position,
				"operator %s is of schema %s, which is not in the schemas of role %s", op.Name, op.Schema, d.Role.Name)
		}
		for _, c := range candidates {
			if r := d.hidden(c, op.Position); r != nil {
				return r
			}
		}
	}
	return nil
}

func (d *decision) extensionOnly(candidates []Function) bool {
	other := func(c Function) bool { return !d.lists.allowsExtension(c, d.Role) }
	return len(candidates) > 0 && !slices.ContainsFunc(candidates, other)
}

// implied decides on what runs without a word of it in the statement. What the owner of a table has built into it is
// not a matter of permissions.
func (d *decision) implied() *Refusal {
	for _, c := range d.resolved.Casts {
		if r := d.hidden(c, 0); r != nil {
			return r
		}
	}
	if !d.ReadOnly {
		return nil
	}
	implied := d.resolved.Implied
	if len(d.resolved.Orders) > 0 && d.compares() {
		implied = slices.Concat(implied, d.resolved.Orders)
	}
	for _, c := range implied {
		if r := d.hidden(c, 0); r != nil {
			return r
		}
	}
	return nil
}
