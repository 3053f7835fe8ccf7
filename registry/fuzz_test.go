package registry_test

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"mcp-postgres/internal/guard"
	"mcp-postgres/internal/test/pgtest"
	"mcp-postgres/registry"
)

// fuzzer holds what the guard lets through against what PostgreSQL touches. PostgreSQL tells how it reads a statement when that
// is prepared with debug_print_parse: the tree has the numbers of relations and functions. What runs beside that, such as casts in a
// plan and checks of domains, is seen by planted functions, which raise an error of their own SQLSTATE.
type fuzzer struct {
	fuzzGrammar
	guards map[string]func(sql string) string // what each mode answers
	plain  func(sql string) string            // without a guard
	conn   *pgx.Conn
	trees  map[string]string // what PostgreSQL told of the last statement

	functions, relations map[uint32]string // names of all in the database
	planted, inner       map[uint32]bool
	answered, harmless   map[string]int
	unguarded            int            // statements that reach planted code where no guard is
	refused              map[string]int // harmless ones, by the reason
	example              map[string]string
}

// The SQLSTATE of planted code that is reached by the caller, and of what an owner has put behind a table or view.
const plantedCode, ownersCode = "CA002", "CA001"

const fuzzRoles = `
roles:
  reader: {schemas: [f], tables: [t, v, parted, boxes, doms, ci, "é", w], operations: [select], functions: [ok, okp]}
  writer: {schemas: [f], tables: [t, v, parted, w], operations: [select, insert, update, delete], functions: [ok, okp]}
users: {_default: reader}
`

// TestFuzzGuard runs a number of statements for each encoding, or as many as fit into the time that FUZZ says. FUZZ_SEED is where it begins.
func TestFuzzGuard(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("FUZZ_SEED"), 10, 64)
	duration, err := time.ParseDuration(os.Getenv("FUZZ"))
	if err != nil && os.Getenv("FUZZ") != "" {
		t.Fatalf("FUZZ=%s: want a duration, such as 1m", os.Getenv("FUZZ"))
	}
	end := time.Now().Add(duration)
	fuzzers := []*fuzzer{newFuzzer(t, "UTF8", false), newFuzzer(t, "LATIN1", false), newFuzzer(t, "UTF8", true)}
	n := uint64(0)
	for ; duration == 0 && n < 180 || time.Now().Before(end); n++ {
		f := fuzzers[n%uint64(len(fuzzers))]
		f.Rand = rand.New(rand.NewPCG(seed+n, 0))
		f.one(t, seed+n)
	}
	t.Logf("%d statements for each mode", n)
	for _, f := range fuzzers {
		if f.unguarded == 0 {
			t.Error("without a guard no statement reaches planted code: the fuzz would find nothing")
		}
		for _, mode := range slices.Sorted(maps.Keys(f.guards)) {
			t.Logf("%s: %d answered, %d of %d harmless ones refused", mode, f.answered[mode], f.refused[mode], f.harmless[mode])
		}
		for _, why := range slices.SortedFunc(maps.Keys(f.example), func(a, b string) int { return f.refused[b] - f.refused[a] }) {
			t.Logf("%5d %s, such as %s", f.refused[why], why, f.example[why])
		}
	}
}

// newFuzzer has a database in an encoding; rarely adds what can be meant by so much that most statements are refused beside it.
func newFuzzer(t *testing.T, encoding string, rarely bool) *fuzzer {
	t.Helper()
	url := inEncoding(t, encoding)
	setup, err := os.ReadFile("testdata/fuzz.sql")
	if err != nil {
		t.Fatal(err)
	}
	script, rare, _ := strings.Cut(string(setup), "-- rarely:")
	if rarely {
		encoding, script = encoding+" rare", script+"--"+rare
	}
	pgtest.Exec(t, url, script)
	for _, name := range []string{"citext", "hstore"} {
		if pgtest.HasExtension(t, url, name) {
			pgtest.Exec(t, url, "CREATE EXTENSION "+name+" SCHEMA f")
		}
	}
	if pgtest.HasExtension(t, url, "citext") {
		pgtest.Exec(t, url, "ALTER TABLE f.ci ALTER c TYPE f.citext")
	}
	pgtest.Exec(t, url, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET fuzz.armed = yes', current_database()); "+
		"EXECUTE format('ALTER DATABASE %I SET search_path = f, public', current_database()); END $$")
	f := &fuzzer{guards: map[string]func(string) string{}, trees: map[string]string{}, answered: map[string]int{}, harmless: map[string]int{},
		refused: map[string]int{}, example: map[string]string{}}
	f.guards["read-only "+encoding] = f.guard(t, registry.Config{DB: openDB(t, url), ReadOnly: true}, nil)
	rules, err := guard.Parse("roles", []byte(fuzzRoles))
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range rules.Roles {
		f.guards[role.Name+" "+encoding] = f.guard(t, registry.Config{DB: openDB(t, url)}, role)
	}
	f.plain = f.guard(t, registry.Config{DB: openDB(t, url)}, nil)
	f.connect(t, url)
	return f
}

func (f *fuzzer) guard(t *testing.T, c registry.Config, role *guard.Role) func(string) string {
	r := build(t, c, nil)
	ctx := t.Context()
	if role != nil {
		ctx = guard.WithCaller(ctx, &guard.Caller{Sub: "a", Role: role})
	}
	return func(sql string) string {
		args, _ := json.Marshal(map[string]string{"sql": sql, "format": "json"})
		res, err := r.Call(ctx, "query", args)
		if err != nil {
			t.Fatal(err)
		}
		if body := res.Body(); body != nil {
			return string(body)
		}
		return text(t, res)
	}
}

// connect opens the session that is told of the trees, and reads what there is.
func (f *fuzzer) connect(t *testing.T, url string) {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { f.trees[n.Message] += n.Detail }
	if f.conn, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.conn.Close(context.Background()) })
	read := func(query string) map[uint32]string {
		rows, err := f.conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		all := map[uint32]string{}
		for rows.Next() {
			var oid uint32
			var name string
			if err := rows.Scan(&oid, &name); err != nil {
				t.Fatal(err)
			}
			all[oid] = name
		}
		return all
	}
	f.functions = read(`SELECT p.oid, CASE WHEN p.oid < 16384 THEN proname ELSE coalesce('extension ' ||
			(SELECT refobjid FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 1255 AND deptype = 'e'), nspname || '.' || proname) END
		FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace`)
	f.relations = read("SELECT c.oid, nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace")
	f.planted, f.inner = map[uint32]bool{}, map[uint32]bool{}
	for oid := range read(`SELECT p.oid, '' FROM pg_proc p LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
		LEFT JOIN pg_proc q ON q.oid IN (p.oid, a.aggtransfn) WHERE q.prosrc ~ 'CA00|boom'`) {
		f.planted[oid] = true
	}
	for oid := range read("SELECT castfunc, '' FROM pg_cast UNION SELECT oprcode, '' FROM pg_operator") {
		f.inner[oid] = true
	}
	if _, err := f.conn.Exec(t.Context(), "SET debug_print_parse = on; SET debug_print_rewritten = on; SET debug_pretty_print = off; SET client_min_messages = log"); err != nil {
		t.Fatal(err)
	}
}

// one makes a statement and holds it against each mode.
func (f *fuzzer) one(t *testing.T, seed uint64) {
	if f.unguarded < 3 && strings.Contains(f.plain(f.statement(false)), plantedCode) {
		f.unguarded++
	}
	for _, mode := range slices.Sorted(maps.Keys(f.guards)) {
		sql := f.statement(strings.HasPrefix(mode, "writer"))
		answer := f.guards[mode](sql)
		readOnly := strings.HasPrefix(mode, "read-only")
		touched, ok := f.touched(t, sql, readOnly, mode)
		var e struct {
			Error struct{ Code, Rule, Message string }
		}
		_ = json.Unmarshal([]byte(answer), &e)
		through := !slices.Contains([]string{"read_only", "forbidden", "invalid_arguments", "42601"}, e.Error.Code)
		ran := strings.Contains(answer, plantedCode) || readOnly && strings.Contains(answer, ownersCode)
		switch {
		case through && (ran || touched != ""):
			t.Errorf("FUZZ_SEED=%d %s: %s\nruns what is not allowed: %s %.200s", seed, mode, sql, touched, answer)
		case through && e.Error.Code == "":
			f.answered[mode]++
			f.harmless[mode]++
		case !through && ok && touched == "" && f.runs(t, sql):
			f.harmless[mode]++
			f.refused[mode]++
			why := mode + ": " + e.Error.Message
			f.refused[why]++
			f.example[why] = sql
		}
	}
}

var (
	treeFunction = regexp.MustCompile(`:(funcid|opfuncid|aggfnoid|winfnoid)\s+(\d+)`)
	treeRelation = regexp.MustCompile(`:relid\s+(\d+)`)
)

// touched says what of a statement's tree the mode does not allow; ok is false if PostgreSQL refuses the statement.
func (f *fuzzer) touched(t *testing.T, sql string, readOnly bool, mode string) (what string, ok bool) {
	path := map[bool]string{true: "RESET search_path", false: "SET search_path = f, pg_temp"}[readOnly]
	if _, err := f.conn.Exec(t.Context(), path+"; DEALLOCATE ALL", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	clear(f.trees)
	if _, err := f.conn.PgConn().Prepare(t.Context(), "s", strings.TrimPrefix(sql, "EXPLAIN "), nil); err != nil {
		return "", false
	}
	var role *guard.Role
	if !readOnly {
		role = &guard.Role{}
	}
	for _, m := range treeFunction.FindAllStringSubmatch(f.trees["parse tree:"], -1) {
		n, _ := strconv.ParseUint(m[2], 10, 32)
		oid, name := uint32(n), f.functions[uint32(n)]
		switch {
		case oid == 0 || m[1] == "opfuncid" && oid < 16384 || f.inner[oid] && oid < 16384 || strings.HasPrefix(name, "extension "):
		case oid < 16384 && !guard.OwnFunction(name, role):
			return "function " + name, true
		case oid >= 16384 && (f.planted[oid] || !readOnly && name != "f.ok" && name != "f.okp"):
			return "function " + name, true
		}
	}
	for _, m := range treeRelation.FindAllStringSubmatch(f.trees["parse tree:"], -1) {
		n, _ := strconv.ParseUint(m[1], 10, 32)
		name := f.relations[uint32(n)]
		if n != 0 && !readOnly && !f.named(mode, name) || name == "pg_catalog.pg_authid" {
			return "relation " + name, true
		}
	}
	if readOnly {
		for _, m := range treeFunction.FindAllStringSubmatch(f.trees["rewritten parse tree:"], -1) {
			if n, _ := strconv.ParseUint(m[2], 10, 32); f.planted[uint32(n)] {
				return "function " + f.functions[uint32(n)] + " behind a view", true
			}
		}
	}
	return "", true
}

// named reports a relation that the role of the mode may read.
func (f *fuzzer) named(mode, relation string) bool {
	names := "f.t f.v f.parted f.w"
	if strings.HasPrefix(mode, "reader") {
		names += " f.boxes f.doms f.ci f.é"
	}
	return slices.Contains(strings.Fields(names), relation)
}

// runs reports whether what was prepared runs without an error, and so without planted code.
func (f *fuzzer) runs(t *testing.T, sql string) bool {
	verb := "EXECUTE s"
	if strings.HasPrefix(sql, "EXPLAIN ") {
		verb = "EXPLAIN EXECUTE s"
	}
	_, err := f.conn.Exec(t.Context(), "BEGIN; SET LOCAL statement_timeout = '2s'; "+verb, pgx.QueryExecModeSimpleProtocol)
	_, _ = f.conn.Exec(t.Context(), "ROLLBACK")
	return err == nil
}

// fuzzGrammar makes statements.
type fuzzGrammar struct{ *rand.Rand }

func (g fuzzGrammar) pick(options ...string) string { return options[g.IntN(len(options))] }

// statement is one of mixed fragments.
func (g fuzzGrammar) statement(writes bool) string {
	if writes && g.IntN(2) == 0 {
		return g.fill(g.pick("INSERT INTO w (i, x) SELECT <int>, <text> FROM <from>", "UPDATE w SET i = <int>, x = <text> WHERE <bool>", "DELETE FROM w USING <from> WHERE <bool>",
			"INSERT INTO w VALUES (<int>, <text>) RETURNING <text>", "WITH d AS (DELETE FROM w WHERE <bool> RETURNING *) SELECT <int> FROM <from>", "INSERT INTO w (x) TABLE <table>"), 3)
	}
	s := g.fill(g.pick("SELECT <any>, <any> FROM <from> WHERE <bool>", "SELECT <any> FROM <from> ORDER BY <any>", "SELECT <any>, count(*) FROM <from> GROUP BY 1 HAVING <bool>",
		"WITH q AS (SELECT <int> AS i, <text> AS x FROM <from>) SELECT <any> FROM q WHERE <bool>", "SELECT <any>",
		"TABLE <table>", "SELECT DISTINCT <any> FROM <from>",
		"SELECT <any> FROM <from> UNION SELECT <any> FROM <from>", "VALUES (<any>), (<any>)",
		"SELECT * FROM <from>", "SELECT <dom> FROM f.boxes bx", "SELECT <dom> FROM doms bx", "SELECT <agg> FROM <from>",
		"SELECT <window> FROM <from>",
		"SELECT <any> FROM <from> LIMIT <int>", "WITH RECURSIVE r(i) AS (SELECT 1 UNION SELECT i + 1 FROM r WHERE i < 3 AND <bool>) SELECT i, <any> FROM r"), 4)
	if g.IntN(12) == 0 {
		return "EXPLAIN " + s
	}
	return s
}

// fragments are what a placeholder can be; the first of each ends the recursion.
var fragments = map[string][]string{
	"any": {"1", "<int>", "<text>", "<bool>", "<json>", "<comp>", "<mood>", "<other>", "<int>", "<text>"},
	"int": {"1", "t.i", "i", "<int> + <int>", "length(<text>)", "<int> OPERATOR(f.+!) <int>", "<int> +! <int>",
		"ok(<int>)", "f.okp(<int>)", "f.ok(<int>)", "boom_int(<int>)", "f.boom_int(<int>)",
		"CAST(<text> AS int)", "CAST(<int> AS f.dom)", "CAST(<int> AS dom)", "<int>::f.safe", "(<comp>).a",
		"coalesce(<int>, <int>)", "nullif(<int>, <int>)", "greatest(<int>, <int>)",
		"CASE <int> WHEN <int> THEN <int> END",
		"(SELECT <int> FROM <from> LIMIT 1)", "(SELECT max(<int>) FROM <from>)", "extract(year FROM now())::int",
		"f.body()", "body()", "f.atomic()", "@!<int>", "abs(<int>)", "mood_num(<mood>)",
		"U&\"boom\\005Fint\"(<int>)", "f.U&\"b!006Fom_int\" UESCAPE '!' (<int>)", "array_length(ARRAY[<int>], 1)",
		"(ARRAY[<int>, <int>])[1]", "(t).total", "t.total", "total(t)", "lag(<int>) OVER ()", "<mood> + 1",
		"int4(<text>)", "f.\"BOOM\"(<int>)", "boom_later()", "f.variadic_one(<int>, <int>)", "f.by_default()",
		"(<json>)::int", "least(<int>, (t).d)"},
	"text": {"'a'", "x", "<text> || <text>", "upper(<text>)", "substring(<text> FROM <int>)", "boom(<text>)",
		"f.boom(<text>)", "<int>::text", "<comp>::text", "<mood>::text", "format('%s', <any>)",
		"strpos(<text>, <text>)::text", "concat(<any>, <any>)",
		"overlay(<text> PLACING <text> FROM 1)", "trim(<text>)", "json_value(<json>, '$.a')",
		"json_query(<json>, '$.a')::text", "JSON_SERIALIZE(<json>)", "merge_action()", "<text> COLLATE \"C\"",
		"<json> ->> 'a'", "pg_read_file('PG_VERSION')",
		"lower(U&'\\0061')", "E'\\x61'", "current_setting('work_mem')", "quote_literal(<text>)",
		"string_agg(<text>, ',')", "f.strpos(<comp>, <text>)", "replace(<text>, 'a', 'b')",
		"split_part(<text>, 'a', 1)", "c", "normalize(<text>)", "(<comp>).total", "f.polymorph(<any>)",
		"polymorph(<any>)", "lag(x, 5, 'x') OVER ()", "left(<text>, <int>)",
		"encode(sha256(<text>::bytea), 'hex')", "row_to_json(t)::text", "t::text",
		"xmlserialize(content xmlelement(name a, <text>) AS text)"},
	"bool": {"true", "<int> = <int>", "<text> = <text>", "<text> LIKE <text>", "<int> IN (<int>, <int>)",
		"<bool> AND <bool>", "NOT <bool>", "<comp> = <comp>", "<comp> IS DISTINCT FROM <comp>", "<mood> < <mood>",
		"<mood> = <text>", "EXISTS (SELECT FROM <from> WHERE <bool>)",
		"<int> = ANY (SELECT <int> FROM <from>)", "boom_bool(<any>)", "<text> ~ <text>", "<json> @> <json>",
		"JSON_EXISTS(<json>, '$.a')", "<json> IS JSON", "(<int>, <text>) = (<int>, <text>)",
		"<text> SIMILAR TO <text>", "<other> IS NULL", "<int> BETWEEN SYMMETRIC <int> AND <int>", "<int> !! <int>",
		"f.rng(1, 2) @> <int>", "ROW(<int>, <text>) < ROW(<int>, <text>)", "<text> IS NOT NULL",
		"<int> <> ALL (ARRAY[<int>])", "c = <text>", "f.same(<int>, <int>)"},
	"json": {"'{}'::jsonb", "to_jsonb(<any>)", "jsonb_build_object('a', <any>)", "'{\"a\":1}'::jsonb",
		"json_object('a' VALUE <any>)::jsonb", "JSON_ARRAY(<any>)::jsonb", "JSON_SCALAR(<int>)::jsonb",
		"jsonb_agg(<any>)", "<json> || <json>", "<json> -> 'a'", "jsonb_path_query_first(<json>, '$.a')",
		"to_jsonb(t)", "JSON_OBJECTAGG(<text>: <int>)::jsonb", "json('{}')::jsonb"},
	"comp": {"ROW(1, 2)::f.comp", "b", "NULL::f.comp", "jsonb_populate_record(NULL::f.comp, <json>)",
		"ROW(<int>, <int>)::comp", "(SELECT b FROM boxes LIMIT 1)", "coalesce(b, b)",
		"jsonb_populate_record(bx, <json>)"},
	"mood": {"'sad'::f.mood", "m", "enum_first(NULL::f.mood)", "'ok'::mood", "<text>::f.mood",
		"CASE WHEN <bool> THEN m ELSE 'ok' END"},
	"other": {"ARRAY[1]", "ARRAY[<int>]", "t", "t.*", "ARRAY[<comp>]", "f.rng(1, <int>)", "'[1,2)'::f.rng",
		"int4range(1, <int>)", "array_append(ds, <int>)", "jsonb_populate_record(t, <json>)", "date(<int>)",
		"f.date(<int>)", "now()", "ds", "NULL::f.t", "jsonb_to_record(<json>)", "array_agg(<any>)", "d",
		"ARRAY[<int>]::f.dom[]", "ARRAY[<int>]::int[]", "xmlelement(name a, <text>)", "(<other>)::text",
		"array_fill(d, ARRAY[2])", "ds || <int>", "array_replace(ds, 1, <int>)", "lag(d, 1, <int>) OVER ()",
		"nextval('f.seq')", "'f.hidden'::regclass", "array_cat(ds, ARRAY[d])"},
	"dom": {"d", "array_append(ds, <int>)", "jsonb_populate_record(bx, jsonb_build_object('d', <int>))", "lag(d, 1, <int>) OVER ()",
		"coalesce(d, <int>)", "array_fill(d, ARRAY[1])", "array_prepend(<int>, ds)", "ds || <int>", "array_replace(ds, 1, <int>)",
		"CASE WHEN true THEN d ELSE <int> END", "array_agg(d) || <int>", "ds || ARRAY[<int>]", "row_to_json(bx)",
		"jsonb_populate_recordset(bx, jsonb_build_array(jsonb_build_object('d', <int>)))", "(bx #= hstore('d', '5')).d", "max(d)",
		"json_populate_record(bx, '{\"d\": 4}')", "lead(d, 1, <int>) OVER (ORDER BY i)", "array_cat(ds, ds)", "trim_array(ds, 1)",
		"(SELECT d UNION SELECT <int>)", "(SELECT ds UNION ALL SELECT '{4}')", "nullif(d, <int>)", "greatest(d, <int>)", "ARRAY[d, <int>]", "lag(d, 1, '5') OVER ()", "coalesce(d, '5')", "d = '5'", "greatest(d, '5')", "(SELECT d UNION SELECT '5')",
		"CASE d WHEN '5' THEN '5' ELSE d END", "d IN ('5', '6')", "array_position(ARRAY[1], d)", "ROW(d) = ROW('5')", "d + '5'", "nullif(d, '5')"},
	"agg": {"count(*)", "max(<int>)", "f.agg(<int>)", "max(<comp>)", "f.max(<comp>)",
		"string_agg(<text>, ',' ORDER BY <any>)", "array_agg(DISTINCT <any>)",
		"percentile_cont(0.5) WITHIN GROUP (ORDER BY <int>)", "sum(<int>) FILTER (WHERE <bool>)", "min(<mood>)",
		"mode() WITHIN GROUP (ORDER BY <any>)", "agg(<int>)", "json_agg(<any>)"},
	"window": {"row_number() OVER ()", "sum(<int>) OVER (PARTITION BY <any> ORDER BY <any>)", "agg(<int>) OVER ()",
		"lead(<any>) OVER (ORDER BY <any>)", "first_value(<any>) OVER w, 1 FROM t WINDOW w AS (ORDER BY <any>) --",
		"ntile(<int>) OVER (ORDER BY <int>)"},
	"table": {"t", "f.t", "v", "f.parted", "f.boxes", "w", "t", "f.hidden", "hidden", "g.secret", "vbad",
		"f.guarded", "f.\"é\"", "ci", "U&\"hidd\\0065n\"", "f.U&\"\\00E9\"", "f.É", "mat", "f.indexed",
		"pg_authid", "pg_class", "f.\"" + longName + "\"", "f." + longName + "x", "f.checked", "joined",
		"information_schema.tables", "pg_stat_activity", "ONLY f.parted", "f.parted_1", "f.nothing", "f.generated"},
	"from": {"t", "t", "f.t", "boxes bx", "f.boxes bx", "<table>", "t JOIN boxes bx USING (i)",
		"t CROSS JOIN <table>", "t, LATERAL (SELECT <int> AS n) l", "(SELECT <int> AS i, <text> AS x) q",
		"t LEFT JOIN <table> o ON <bool>", "generate_series(1, 3) AS i", "t NATURAL JOIN <table>",
		"f.rows(<int>) AS i", "ROWS FROM (generate_series(1, <int>), f.boom_int(1)) AS z(i, n)",
		"jsonb_to_recordset(<json>) AS j(i f.dom, x text)", "jsonb_to_record(<json>) AS j(i int, b f.comp)",
		"XMLTABLE('/a' PASSING '<a/>' COLUMNS x text)", "JSON_TABLE(<json>, '$' COLUMNS (i f.dom PATH '$.a')) j",
		"t TABLESAMPLE system (50)", "unnest(ARRAY[<int>]) AS i", "(VALUES (<int>, <text>)) AS q(i, x)",
		"jsonb_populate_recordset(NULL::f.t, <json>) t", "t JOIN t t2 ON t.i = t2.i AND t.m = t2.m", "ci"},
}

const longName = "a234567890123456789012345678901234567890123456789012345678901_b"

var placeholder = regexp.MustCompile(`<([a-z]+)>`)

// fill replaces each placeholder, deep at most.
func (g fuzzGrammar) fill(s string, deep int) string {
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		options, ok := fragments[p[1:len(p)-1]]
		switch {
		case !ok:
			panic("no fragments for " + p)
		case deep <= 0:
			return options[0]
		}
		return g.fill(g.pick(options...), deep-1-g.IntN(2))
	})
}
