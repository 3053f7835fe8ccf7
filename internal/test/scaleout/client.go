package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// hang is how long a call may take before it counts as one that hangs: longer than any time limit in these runs.
const hang = 15 * time.Second

// The kinds of what a call comes to.
const (
	fine      = "answered"
	retryable = "retryable error"
	notice    = "notice that the database is away"
	gateway   = "502, 503 or 504"
	cut       = "connection cut"
	hung      = "HUNG"
	wrong     = "WRONG ANSWER"
	final     = "ERROR THAT IS NOT RETRYABLE"
	expected  = "error of the database that is down"
)

// bad are the kinds that must not occur.
var bad = []string{hung, wrong, final}

// client is one connection to a server.
type client struct {
	url  string
	http *http.Client
}

func newClient(url string) *client {
	return &client{url: url, http: &http.Client{Timeout: hang, Transport: &http.Transport{MaxIdleConnsPerHost: 1}}}
}

// answer is what a server says to a call.
type answer struct {
	Error  json.RawMessage
	Result struct {
		Content []struct{ Text string }
		IsError bool
		Meta    struct {
			Error struct {
				Code      string
				Retryable bool
			} `json:"mcp-postgres/error"`
		} `json:"_meta"`
	}
}

// call calls a tool; text is what a model would read.
func (c *client) call(ctx context.Context, tool, args string) (kind, text string) {
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":` + strconv.Quote(tool) + `,"arguments":` +
		args + `}}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return final, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	res, err := c.http.Do(req)
	if err != nil {
		return cutOrHung(err), err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return cutOrHung(err), err.Error()
	case res.StatusCode >= 502 && res.StatusCode <= 504:
		return gateway, string(b)
	}
	return judge(b)
}

func cutOrHung(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded) {
		return hung
	}
	return cut
}

func judge(b []byte) (kind, text string) {
	if _, data, ok := bytes.Cut(b, []byte("data: ")); ok {
		b = data
	}
	var a answer
	if err := json.Unmarshal(bytes.TrimSpace(b), &a); err != nil || a.Error != nil || len(a.Result.Content) == 0 {
		return final, string(b)
	}
	text = a.Result.Content[0].Text
	switch {
	case a.Result.Meta.Error.Code == "unavailable":
		return notice, text
	case a.Result.IsError && a.Result.Meta.Error.Retryable:
		return retryable, text
	case a.Result.IsError:
		return final, string(b)
	}
	return fine, text
}

// question is a call whose answer is known.
type question struct {
	tool, args, want string
}

// questions are asked in turn. The answers of tools on files must stay what they are at the start.
func questions(ctx context.Context, c *client) ([]question, error) {
	all := []question{
		{tool: "list_schemas", args: `{}`}, {tool: "list_tables", args: `{"schema":"shop"}`},
		{tool: "describe_table", args: `{"table_name":"orders"}`},
		{tool: "get_foreign_keys", args: `{"table_name":"orders"}`},
	}
	for i := range all {
		kind, text := c.call(ctx, all[i].tool, all[i].args)
		if kind != fine {
			return nil, fmt.Errorf("%s at the start: %s: %s", all[i].tool, kind, text)
		}
		all[i].want = text
	}
	return all, nil
}

// asking makes calls of which half are SQL with a value that only this call has.
func asking(known []question) asker {
	return func(ctx context.Context, c *client, id, n int) (kind, text string) { return c.ask(ctx, known, id, n) }
}

func (c *client) ask(ctx context.Context, known []question, id, n int) (kind, text string) {
	if n%2 == 0 {
		mark := fmt.Sprintf("mark %d-%d", id, n)
		kind, text = c.call(ctx, "query",
			`{"sql":"SELECT $1::text || ':' || count(*) AS v FROM shop.orders","parameters":["`+mark+`"]}`)
		if kind == fine && !strings.Contains(text, mark+":2000 ") {
			return wrong, text
		}
		return kind, text
	}
	q := known[n/2%len(known)]
	kind, text = c.call(ctx, q.tool, q.args)
	if kind == fine && text != q.want {
		return wrong, text
	}
	return kind, text
}
