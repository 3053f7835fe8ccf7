package postgres

import (
	"errors"
	"strconv"
	"strings"
	"sync"
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

// check refuses an Identity that can't be written as SQL.
func (id *Identity) check() error {
	if id == nil {
		return nil
	}
	for _, text := range []string{id.SearchPath, id.Claims, id.Sub, id.Role, id.DatabaseRole} {
		if !validText(text) {
			return &Error{Code: "22021", Message: "the identity of this caller holds a zero byte or is no UTF-8, which PostgreSQL has no text for"}
		}
	}
	_, err := quotedNames(id.SearchPath)
	if err != nil || strings.EqualFold(id.DatabaseRole, "none") { // which means no role
		return &Error{Code: "22023", Message: refusedIdentity}
	}
	return nil
}

// known keeps the settings of roles and search paths: there are few, and they are prepared once on a connection.
type known struct {
	mu       sync.Mutex
	settings map[[2]string]setting
}

// mostKnown bounds them: what comes later is parsed for each call.
const mostKnown = 100

// setLocal is the setting of a name to a value, under a name of its own if it is known.
func (k *known) setLocal(name, value string) setting {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, ok := k.settings[[2]string{name, value}]
	if ok {
		return one
	}
	one.sql = setLocal(name, value)
	if n := len(k.settings); n < mostKnown {
		one.name = "mcp_known_" + strconv.Itoa(n)
		k.settings[[2]string{name, value}] = one
	}
	return one
}

// boundClaims sets what differs from caller to caller without a text for each: pg_stat_statements before 18 keeps every
// text of a SET.
const boundClaims = "SELECT pg_catalog.set_config('request.jwt.claims', $1, true), pg_catalog.set_config('mcp.sub', $2, true), " +
	"pg_catalog.set_config('mcp.role', $3, true)"

// bound reports that the transaction is certain to stay on one backend, which runs the statement by itself: a SELECT
// holds for it as well as a SET LOCAL.
func (s *session) bound() bool {
	return s.maySet && !s.citus && (s.direct && !s.pooled || s.pooled && s.pooler.pins.Load())
}

// setIdentity queues the settings of an identity. The role comes last: what is set before it needs no right of its own.
func (s *session) setIdentity(id *Identity) {
	if id == nil {
		return
	}
	if !id.KeepPath {
		s.set(s.pooler.known.setLocal("search_path", id.SearchPath))
	}
	if s.bound() {
		s.fixed("mcp_claims", boundClaims, []byte(id.Claims), []byte(id.Sub), []byte(id.Role))
	} else {
		s.set(setting{"", setLocal("request.jwt.claims", id.Claims)}, setting{"", setLocal("mcp.sub", id.Sub)},
			s.pooler.known.setLocal("mcp.role", id.Role))
	}
	if id.DatabaseRole != "" {
		s.set(s.pooler.known.setLocal("role", id.DatabaseRole))
	}
}

// verify raises codeChanged when a name has another meaning. Its operators are pg_catalog's, whatever the search path.
const verify = "SELECT 1 OPERATOR(pg_catalog./) CASE WHEN EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), " +
	"pg_catalog.unnest($2::pg_catalog.oid[])) AS v (name, oid) WHERE (pg_catalog.to_regclass(v.name)::pg_catalog.oid " +
	"OPERATOR(pg_catalog.=) v.oid) IS NOT TRUE) THEN 0 ELSE 1 END"

// codeChanged is division_by_zero.
const codeChanged = "22012"

// oidArray writes an array of OIDs.
func oidArray(oids []uint32) []byte {
	array := []byte{'{'}
	for i, oid := range oids {
		if i > 0 {
			array = append(array, ',')
		}
		array = strconv.AppendUint(array, uint64(oid), 10)
	}
	return append(array, '}')
}

// textArray writes an array of texts.
func textArray(texts []string) []byte {
	array := []byte{'{'}
	for i, text := range texts {
		if i > 0 {
			array = append(array, ',')
		}
		array = append(append(append(array, '"'), arrayEscapes.Replace(text)...), '"')
	}
	return append(array, '}')
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
	case t.identity <= t.commands && t.commands < t.identified && (e.Code == "22023" || e.Code == "42501"):
		t.pooler.log.Error("the identity of a caller can't be set", "search_path", t.call.Identity.SearchPath,
			"database_role", t.call.Identity.DatabaseRole, "error", e)
		e = &Error{Code: e.Code, Message: refusedIdentity, Hint: "the server's log says why"}
	}
	e.Position = 0
	return e
}

const refusedIdentity = "the database refuses the database role or the schemas of this caller"
