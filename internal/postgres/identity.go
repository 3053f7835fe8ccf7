package postgres

import (
	"errors"
	"strconv"
	"strings"
)

// Identity is what a transaction carries of its caller. It is put in before the statement, for this transaction alone.
type Identity struct {
	// SearchPath is the search path, as SET search_path takes it; an empty one finds only what is in pg_catalog.
	SearchPath string
	// KeepPath leaves the search path of the login in force; SearchPath then means nothing.
	KeepPath bool
	// Claims, Sub and Role are read by current_setting('request.jwt.claims'), ('mcp.sub') and ('mcp.role').
	Claims, Sub, Role string
	// DatabaseRole is the role that the statement runs as; empty stays with the login.
	DatabaseRole string
}

// Verify holds the names that a decision about the statement was based on.
type Verify struct {
	// Names are names of relations as SQL writes them; OIDs, of the same length, are what they must stand for.
	Names []string
	OIDs  []uint32
}

// ErrChanged is the answer to a call whose Verify no longer holds. Nothing was executed.
var ErrChanged = errors.New("a name in the statement no longer stands for what it did")

// identitySettings are those of an Identity. The role comes last: what can be set before it needs no right of its own.
var identitySettings = [...]string{"search_path", "request.jwt.claims", "mcp.sub", "mcp.role", "role"}

// settingsByIdentity are the statements of the settings, by the number of identitySettings that they set too.
type settingsByIdentity [len(identitySettings) + 1]string

// withIdentity gives them for a statement with params parameters; each ends in tail.
func withIdentity(sql string, params int, tail string) (all settingsByIdentity) {
	for n := range all {
		all[n] = sql + tail
		if n < len(identitySettings) {
			value := "$" + strconv.Itoa(params+1+n)
			if n == 0 {
				value = "coalesce(" + value + ", pg_catalog.current_setting('search_path'))"
			}
			sql += ", pg_catalog.set_config('" + identitySettings[n] + "', " + value + ", true)"
		}
	}
	return all
}

// ownSettings are those on a connection of our own.
var ownSettings = withIdentity(settings, 4, rawText)

// values are those of identitySettings, as many as there are to set.
func (id *Identity) values() [][]byte {
	if id == nil {
		return nil
	}
	list := [][]byte{[]byte(id.SearchPath), []byte(id.Claims), []byte(id.Sub), []byte(id.Role)}
	if id.KeepPath {
		list[0] = nil
	}
	if id.DatabaseRole != "" {
		list = append(list, []byte(id.DatabaseRole))
	}
	return list
}

// verify raises codeChanged when a name has another meaning. Its operators are pg_catalog's, whatever the search path.
const verify = "SELECT 1 OPERATOR(pg_catalog./) CASE WHEN EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), " +
	"pg_catalog.unnest($2::pg_catalog.oid[])) AS v (name, oid) WHERE (pg_catalog.to_regclass(v.name)::pg_catalog.oid " +
	"OPERATOR(pg_catalog.=) v.oid) IS NOT TRUE) THEN 0 ELSE 1 END"

// codeChanged is division_by_zero.
const codeChanged = "22012"

// args writes the names and OIDs as arrays.
func (v *Verify) args() [][]byte {
	names, oids := []byte{'{'}, []byte{'{'}
	for i, name := range v.Names {
		if i > 0 {
			names, oids = append(names, ','), append(oids, ',')
		}
		names = append(append(append(names, '"'), arrayEscapes.Replace(name)...), '"')
		oids = strconv.AppendUint(oids, uint64(v.OIDs[i]), 10)
	}
	return [][]byte{append(names, '}'), append(oids, '}')}
}

var arrayEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// before words an error of the statements before the call's own: what they say is for the operator.
func (t *transaction) before(e *Error) error {
	switch {
	case t.commands >= t.prelude:
		return e
	case t.pooled && carriedSetting(e) != nil:
		return carriedSetting(e)
	case t.call.Verify != nil && t.commands == t.prelude-1 && e.Code == codeChanged:
		return ErrChanged
	case t.call.Identity != nil && t.commands == 1 && (e.Code == "22023" || e.Code == "42501"):
		t.pooler.log.Error("the identity of a caller can't be set", "search_path", t.call.Identity.SearchPath,
			"database_role", t.call.Identity.DatabaseRole, "error", e)
		e = &Error{Code: e.Code, Message: "the database refuses the database role or the schemas of this caller", Hint: "the server's log says why"}
	}
	e.Position = 0
	return e
}
