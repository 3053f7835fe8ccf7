package sqlscan_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mcp-postgres/internal/sqlscan"
)

// TestLexTool writes the tokens without white space, separated by |, each with its kind; a ! marks one with a fault.
func TestLexTool(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"", ""},
		{"select a.b", "word select|word a|symbol .|word b"},
		{"größe _x a$b$ $b$'@c'$b$", "word größe|word _x|word a$b$|string $b$'@c'$b$"},
		{"'it''s' ''", "string 'it''s'|string ''"},
		{`'\' @a '`, `string '\'|param @a|string '|!`},
		{`E'\' @a ' @b`, `string E'\' @a '|param @b`},
		{`E'\\' @a`, `string E'\\'|param @a`},
		{`e'\''''@a`, `string e'\''''|param @a`},
		{`E'\`, `string E'\|!`},
		{`xe'\'`, `word xe|string '\'`},
		{"b'01' B'' x'1F' n'a' U&'\\' u&\"a\"\"b\"", "string b'01'|string B''|string x'1F'|string n'a'|string U&'\\'|quoted u&\"a\"\"b\""},
		{"u & 'a' u&a", "word u|operator &|string 'a'|word u|operator &|word a"},
		{"'a'\n'@b'", "string 'a'\n'@b'"},
		{"'a' -- '\n\t-- x\r\n '@b' @c", "string 'a' -- '\n\t-- x\r\n '@b'|param @c"},
		{"'a' '@b'", "string 'a'|string '@b'"},
		{"'a' /* */\n'@b'", "string 'a'|comment /* */|string '@b'"},
		{"E'a'\n'\\'@b'", "string E'a'\n'\\'@b'"},
		{"'a'\n-- end", "string 'a'|comment -- end"},
		{"$$ ' $$ @a $1x$", "string $$ ' $$|param @a|positional $1|word x$"},
		{"$a$ $A$ $$ $b$a$ @x", "string $a$ $A$ $$ $b$a$|param @x"},
		{"$a b$ @x", "symbol $|word a|word b$|param @x"},
		{"$é$@x$é$", "string $é$@x$é$"},
		{"/* /* */ @a */ @b", "comment /* /* */ @a */|param @b"},
		{"/*/ */ @b", "comment /*/ */|param @b"},
		{"-- @a\r@b--@c", "comment -- @a|param @b|comment --@c"},
		{`"a""@b" @c`, `quoted "a""@b"|param @c`},
		{"1.5 .5 5. 1e5 1E-5 1_000 0x1F 0b1 0o7 1..2", "number 1.5|number .5|number 5.|number 1e5|number 1E-5|number 1_000|number 0x1F|number 0b1|number 0o7|number 1|symbol .|number .2"},
		{"1e 1e+@a", "number 1|word e|number 1|word e|operator +|param @a"},
		{"a::int a:=1 a[1:2] a[:n]", "word a|symbol ::|word int|word a|symbol :=|number 1|word a|symbol [|number 1|symbol :|number 2|symbol ]|word a|symbol [|symbol :|word n|symbol ]"},
		{"@a@b", "param @a|param @b"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tokens(tt.sql, sqlscan.LexTool)); diff != "" {
			t.Errorf("LexTool(%q) (-want +got):\n%s", tt.sql, diff)
		}
	}
}

func TestLexToolOperators(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"a @> b", "operator @>"}, {"a @>b", "operator @>"}, {"a <@ b", "operator <@"}, {"a < @b", "operator <|param @b"},
		{"a @@ b", "operator @@"}, {"a @@b", "operator @@"}, {"a @@@b", "operator @@@"}, {"~@b", "operator ~@"},
		{"@-@b", "operator @-@"}, {"@ b", "operator @"}, {"a @? b", "operator @?"}, {"@b", "param @b"},
		{"@é", "operator @"}, {"@1", "operator @"}, {"@_b", "param @_b"}, {"@\"b\"", "operator @"},
		{"a=@b", "operator =|param @b"}, {"a<>@b", "operator <>|param @b"}, {"a!=@b", "operator !=|param @b"},
		{"a<=@b", "operator <=|param @b"}, {"a>=@b", "operator >=|param @b"}, {"a>@b", "operator >|param @b"},
		{"a+@b", "operator +|param @b"}, {"a-@b", "operator -|param @b"}, {"a*@b", "operator *|param @b"},
		{"a/@b", "operator /|param @b"}, {"a%@b", "operator %|param @b"}, {"a^@b", "operator ^|param @b"},
		{"a||@b", "operator |||param @b"}, {"a->@b", "operator ->|param @b"}, {"a->>@b", "operator ->>|param @b"},
		{"a#>@b", "operator #>|param @b"}, {"a#>>@b", "operator #>>|param @b"}, {"a=>@b", "operator =>|param @b"},
		{"a:=@b", "param @b"}, {"a=-@b", "operator =-@"}, {"a&&@b", "operator &&@"}, {"a!@b", "operator !@"},
		{"a<@b", "operator <@!"}, {"a<@é", "operator <@"}, {"a=<@b", "operator =<@"},
		{"a+/**/@b", "operator +|param @b"}, {"a+--\n@b", "operator +|param @b"}, {"a=@/**/b", "operator =@"},
		{"a*/@b", "operator */@"}, {"a@--b", "operator @"},
	}
	for _, tt := range tests {
		var got []string
		for _, tok := range sqlscan.LexTool(tt.sql) {
			if tok.Kind == sqlscan.Operator || tok.Kind == sqlscan.Param {
				got = append(got, written(tt.sql, tok))
			}
		}
		if g := strings.Join(got, "|"); g != tt.want {
			t.Errorf("operators of LexTool(%q) = %s, want %s", tt.sql, g, tt.want)
		}
	}
}

func tokens(sql string, lex func(string) []sqlscan.Token) string {
	var all []string
	for _, tok := range lex(sql) {
		if tok.Kind != sqlscan.Space {
			all = append(all, written(sql, tok))
		}
	}
	return strings.Join(all, "|")
}

func written(sql string, tok sqlscan.Token) string {
	s := tok.Kind.String() + " " + sql[tok.Start:tok.End]
	if tok.Fault == "" {
		return s
	}
	if tok.Kind == sqlscan.Operator {
		return s + "!"
	}
	return s + "|!"
}

// TestLex has what PostgreSQL reads differently from a tool file.
func TestLex(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"@a + @b", "operator @|word a|operator +|operator @|word b"},
		{"a=@b", "word a|operator =@|word b"},
		{"a<@b", "word a|operator <@|word b"},
		{`@E'\' ' @n'a'`, `operator @|string E'\' '|operator @|string n'a'`},
		{"@$$ ' $$", "operator @|string $$ ' $$"},
		{"1_000 0x1F 1e5 1..2", "number 1_000|number 0x1F|number 1e5|number 1|symbol .|number .2"},
		{"1_a$1 1_E'\\'", "number 1|word _a$1|number 1|word _E|string '\\'"},
		{"1_000$a$ $a$", "number 1|word _000$a$|string $a$|!"},
		{"0x1F$1 1.5$1", "number 0|word x1F$1|number 1.5|positional $1"},
		{"1e5_0e'\\'", "number 1e5|word _0e|string '\\'"},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tokens(tt.sql, sqlscan.Lex)); diff != "" {
			t.Errorf("Lex(%q) (-want +got):\n%s", tt.sql, diff)
		}
	}
}

func TestLexLines(t *testing.T) {
	var got []int
	for _, tok := range sqlscan.Lex("a\n/*\n*/ b\r\n'\n' c") {
		if tok.Significant() {
			got = append(got, tok.Line)
		}
	}
	if diff := cmp.Diff([]int{1, 3, 4, 5}, got); diff != "" {
		t.Errorf("lines of the tokens (-want +got):\n%s", diff)
	}
}

// both are the two readings of SQL.
var both = map[string]func(string) []sqlscan.Token{"Lex": sqlscan.Lex, "LexTool": sqlscan.LexTool}

// TestLexNotClosed has everything that can stay open; each is one token up to the end.
func TestLexNotClosed(t *testing.T) {
	for _, open := range []string{
		"'", "'a''", "E'", `E'\'`, `E'\\\'`, "B'", "x'", "U&'", "'a'\n'", "'a' -- '\n'", "E'a'\n'\\'",
		`"`, `"a""`, `U&"`, "$$", "$$ $a$", "$a$ $$ $A$", "$a$ $a", "/*", "/* /* */", "/*/", "/* * /", "/* -- */ /*",
	} {
		for name, lex := range both {
			sql := "a " + open
			all := lex(sql)
			if last := all[len(all)-1]; last.Fault == "" {
				t.Errorf("%s(%q) ends with the sound token %q, want one that is not closed", name, sql, sql[last.Start:])
			}
			if all[0].End != 1 {
				t.Errorf("%s(%q) starts with %q, want a", name, sql, sql[:all[0].End])
			}
		}
	}
}

// TestLexLinear repeats, up to the largest file, what could make a lexer look ahead again and again.
func TestLexLinear(t *testing.T) {
	for _, part := range []string{
		"/*", "/*/", "*/", "/**/", "+", "+-", "'", "''", "'a'\n", "'a' ", "'a'--\n", "E'\\'", `"`, `""`, "$", "$$", "$a", "$a$", "$a$ ",
		"@", "@a", "-", "- ", "<@", "<@a ", "+@", "--", "-- \n", ".", "1.", "1e", "1e+", "0x", "U&", "U&'", ":", "\n", "é", "@é",
	} {
		sql := strings.Repeat(part, 1<<18/len(part))
		for name, lex := range both {
			start := cpuTime(t)
			var length int
			for _, tok := range lex(sql) {
				length += tok.End - tok.Start
			}
			if took := cpuTime(t) - start; took > 2*time.Second {
				t.Errorf("%s(%q repeated) took %v, want less than 2s", name, part, took)
			}
			if length != len(sql) {
				t.Errorf("%s(%q repeated) covers %d bytes, want %d", name, part, length, len(sql))
			}
		}
	}
}

// cpuTime is the time that this process has worked: unlike the clock, it does not run while others do.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
