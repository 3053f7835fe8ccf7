package redact_test

import (
	"encoding/json"
	"strings"
	"testing"

	"mcp-postgres/internal/redact"
)

func TestText(t *testing.T) {
	tests := []struct{ text, want string }{
		{`unrecognized configuration parameter "postgresql+asyncpg://app:s3cret@localhost:6543/shop?sslmode"`, `unrecognized configuration parameter "***"`},
		{`invalid proxy address "app:s3cret@proxy:3128"`, `invalid proxy address "***"`},
		{`fetching https://id.example.com/keys?key=s3cret: the answer is 403`, `fetching https://id.example.com/keys?***: the answer is 403`},
		{`Get "https://id.example.com/keys?key=s3cret": EOF`, `Get "https://id.example.com/keys?***": EOF`},
		{`host=h password=s3cret user=app`, `host=h password=*** user=app`},
		{`host=h sslpassword='s3 cret' user=app`, `host=h sslpassword=*** user=app`},
		{`token eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl refused`, `token *** refused`},
		// what stays
		{`want postgres://user:password@host:port/database: app:s3cret@h`, `want postgres://user:password@host:port/database: ***`},
		{`msg="tool call" sub=ann@example.com ms=1.2 time=12:30:00`, `msg="tool call" sub=ann@example.com ms=1.2 time=12:30:00`},
		{"failed to connect to `user=app@corp database=shop`: [::1]:5432 (localhost): dial error", "failed to connect to `user=app@corp database=shop`: [::1]:5432 (localhost): dial error"},
		{`MCP_AUTH_TOKEN: the token has expired`, `MCP_AUTH_TOKEN: the token has expired`},
	}
	for _, test := range tests {
		if got := redact.Text(test.text); got != test.want {
			t.Errorf("Text(%s)\n = %s\nwant %s", test.text, got, test.want)
		}
	}
}

func TestWriter(t *testing.T) {
	environ := []string{
		"DATABASE_URL=postgres://app:pa%40ss-word@db/shop", "ANALYST_DB=host=h password='an alyst' user=a", "MCP_AUTH_TOKEN=opaque-token",
		"OTEL_EXPORTER_OTLP_HEADERS=api-key=collector%20key,x-tenant no-equals", "HTTPS_PROXY=app:procol@xy@proxy:3128",
		"SHORT=postgres://app:app@db", "WORD=postgres://app:postgres@db", "PATH=/usr/bin:/opt/python@3/bin",
	}
	var out strings.Builder
	w := redact.NewWriter(&out, environ, []string{"--conn=postgres://app:from-args@db"})
	if n, err := w.Write([]byte(`pa@ss-word pa%40ss-word an alyst opaque-token collector key collector%20key x-tenant no-equals procol@xy from-args`)); err != nil || n == 0 {
		t.Errorf("Write = %d, %v", n, err)
	}
	if strings.Trim(out.String(), "* ") != "" {
		t.Errorf("Write wrote %q, want no secret", out.String())
	}
	out.Reset()
	const plain = "mcp-postgres: user=app database=postgres in /opt/python\n"
	if _, err := w.Write([]byte(plain)); err != nil || out.String() != plain {
		t.Errorf("Write wrote %q, %v, want all of it", out.String(), err)
	}
}

// TestWriterJSON: a line of JSON is one afterwards, with the secrets out of its values.
func TestWriterJSON(t *testing.T) {
	var out strings.Builder
	w := redact.NewWriter(&out, []string{"PGPASSWORD=12345678", `DATABASE_URL=postgres://app:quo"ted\pass@db`}, nil)
	for _, test := range []struct{ line, want string }{
		{`{"sql":"SELECT 'postgres://a:b@c' AS \"u:p@h\"","rows":2}`, `{"sql":"SELECT '***' AS \"***\"","rows":2}`},
		{`{"sql":"password='x","arguments":{"a":"it's"},"ms":1.5e-3}`, `{"sql":"password='x","arguments":{"a":"it's"},"ms":1.5e-3}`},
		{`{"a":[12345678,-1,"12345678"],"b":"quo\"ted\\pass"}`, `{"a":["***",-1,"***"],"b":"***"}`},
	} {
		out.Reset()
		if _, err := w.Write([]byte(test.line + "\n")); err != nil || out.String() != test.want+"\n" || !json.Valid([]byte(out.String())) {
			t.Errorf("Write(%s) wrote\n     %s%v, want\n     %s", test.line, out.String(), err, test.want)
		}
	}
}
