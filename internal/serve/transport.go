// Package transport serves an MCP server to clients: over standard input and output, streamable HTTP, and SSE. It closes
// what the protocol library leaves open: limits, identity, fairness between callers, an orderly end.
package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"mcp-postgres/internal/postgres"
)

// Config says how calls are run.
type Config struct {
	// Slots is how many calls run at once, shared fairly between callers; zero means 10.
	Slots int
	// Caller names who makes a request; empty while authentication is off. Nil means always empty.
	Caller func(context.Context) string
	// Until says when the leave of who makes a request ends, and with it the streams that it has opened; the zero time is never,
	// and so is a nil Until.
	Until func(context.Context) time.Time
	// Rest, if set, is told that the request in the context is a stream that only listens, which is no request in flight.
	Rest func(context.Context)
	// Hold, if set, keeps the request in the context among those in flight, when it has been answered with no more than that it
	// was received, until the function that it gives is called.
	Hold func(context.Context) (release func())
	// Enter puts the caller into the context of a request over stdio; its error, which the client reads, refuses the request.
	// Nil lets every request in.
	Enter func(context.Context) (context.Context, error)
	// Around, if set, is put around the handler of each tool.
	Around server.ToolHandlerMiddleware
	// Offered reports whether the caller may call a tool; nil means every one.
	Offered func(ctx context.Context, name string) bool
	// UnknownTool words the error for a tool that is not there; nil leaves it to the library.
	UnknownTool func(ctx context.Context, name string) string
	// Refused, if set, is told why a request or a call is refused: host, origin, sessions or busy. w is the answer's; nil for a
	// call, which is answered within the protocol.
	Refused func(w http.ResponseWriter, reason string)
	// Logger must be set.
	Logger *slog.Logger
}

// Transport runs the calls of one server, whatever way they come.
type Transport struct {
	Config
	turns   *turns
	load    *load
	streams *streams
	period  period
}

// New makes a Transport.
func New(c Config) *Transport {
	if c.Slots == 0 {
		c.Slots = 10
	}
	if c.Caller == nil {
		c.Caller = func(context.Context) string { return "" }
	}
	if c.Until == nil {
		c.Until = func(context.Context) time.Time { return time.Time{} }
	}
	if c.Around == nil {
		c.Around = func(next server.ToolHandlerFunc) server.ToolHandlerFunc { return next }
	}
	if c.Offered == nil {
		c.Offered = func(context.Context, string) bool { return true }
	}
	if c.Rest == nil {
		c.Rest = func(context.Context) {}
	}
	if c.Hold == nil {
		c.Hold = func(context.Context) func() { return func() {} }
	}
	if c.Refused == nil {
		c.Refused = func(http.ResponseWriter, string) {}
	}
	return &Transport{Config: c, turns: newTurns(c.Slots), load: &load{of: map[string]int{}}, streams: &streams{of: map[string]int{}}, period: standard}
}

// Options are what the MCP server must be made with.
func (t *Transport) Options() []server.ServerOption {
	return []server.ServerOption{
		server.WithToolHandlerMiddleware(t.around), server.WithToolHandlerMiddleware(keepLarge),
		server.WithResourceHandlerMiddleware(t.resourceInTurn), server.WithPromptHandlerMiddleware(promptRefusals), server.WithLogging(),
	}
}

// around is what is put around the handler of every tool, whoever calls it.
func (t *Transport) around(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return t.Around(t.progress(t.inTurn(next)))
}

// maxMessage bounds one message of a client, in bytes.
const maxMessage = 4 << 20

// exchange is one message of a client and what is needed to answer it.
type exchange struct {
	server *server.MCPServer
	large  body
	// caller shares the slots with the others.
	caller string
	// notify sends a notification that belongs to this message.
	notify func(notification) error
	// code is that of the error, where the library's is another; about is the URI that the error is about.
	code  int
	about string
	// status is that of the error over HTTP; zero leaves it to the library.
	status int
}

// refuse sets the code of the error that a handler gives; the library takes every one for an internal error.
func (x *exchange) refuse(ctx context.Context, code int, uri string) {
	x.code, x.about = code, uri
	if mcp.IsModernProtocol(server.RequestProtocolVersion(ctx)) {
		x.status = http.StatusBadRequest
	}
}

type notification struct {
	JSONRPC string         `json:"jsonrpc"`
	Method  string         `json:"method"`
	Params  map[string]any `json:"params,omitempty"`
}

type exchangeKey struct{}

// withExchange puts x into the context: the library hands nothing else from the message to the handlers of tools.
func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func exchangeFrom(ctx context.Context) *exchange {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	if !ok {
		return &exchange{notify: func(notification) error { return nil }}
	}
	return x
}

// turn waits for the turn of a caller, and tells a client that listens to log messages when that is not at once. tool names
// what is called.
func (t *Transport) turn(ctx context.Context, caller, tool string) (_ context.Context, got *turn, err error) {
	if got = t.turns.now(caller); got == nil {
		if s := exchangeFrom(ctx).server; s != nil {
			_ = s.SendLogMessageToClient(ctx, mcp.NewLoggingMessageNotification(mcp.LoggingLevelInfo, "mcp-postgres",
				"the call waits for its turn: all slots are taken")) // who does not listen need not be told
		}
		got, err = t.turns.take(ctx, caller)
	}
	switch {
	case err == nil:
		ctx = postgres.WithTurn(ctx, got, tool)
	case waitable(err):
		t.Refused(nil, "busy")
	}
	return ctx, got, err
}

// waitable reports a refusal that does not stand for ever.
func waitable(err error) bool { return err == errBusy || err == errStuck }

func (t *Transport) inTurn(next server.ToolHandlerFunc) server.ToolHandlerFunc {
	return func(ctx context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		ctx, turn, err := t.turn(ctx, exchangeFrom(ctx).caller, req.Params.Name)
		if err != nil {
			return refusal(err), nil
		}
		defer turn.give()
		return next(ctx, req)
	}
}

func (t *Transport) resourceInTurn(next server.ResourceHandlerFunc) server.ResourceHandlerFunc {
	return func(ctx context.Context, req mcp.ReadResourceRequest) ([]mcp.ResourceContents, error) {
		ctx, turn, err := t.turn(ctx, exchangeFrom(ctx).caller, string(mcp.MethodResourcesRead))
		if err != nil {
			return nil, err
		}
		defer turn.give()
		contents, err := next(ctx, req)
		if errors.Is(err, server.ErrResourceNotFound) {
			exchangeFrom(ctx).refuse(ctx, resourceNotFound(ctx), req.Params.URI)
		}
		return contents, err
	}
}

// requestInTurn takes the turn that a completion needs, and a list of tools for a caller, as the library has no place for that;
// refused is the answer if there is none. Other methods need no turn here.
func (t *Transport) requestInTurn(ctx context.Context, m *envelope, caller string) (_ context.Context, done func(), refused []byte) {
	lists := m.Method == string(mcp.MethodToolsList) && t.Caller(ctx) != "" // by what the database says of the caller's rights
	if !lists && m.Method != string(mcp.MethodCompletionComplete) && m.Method != string(mcp.MethodResourcesList) {
		return ctx, func() {}, nil
	}
	ctx, turn, err := t.turn(ctx, caller, m.Method)
	switch {
	case lists && err == errStuck: // a client without a list has no session
		return ctx, func() {}, nil
	case err != nil:
		return ctx, nil, rpcError(m.ID, mcp.INTERNAL_ERROR, err.Error())
	}
	return ctx, turn.give, nil
}

// resourceNotFound is the code for that, which revision 2026-07-28 has changed (SEP-2164).
func resourceNotFound(ctx context.Context) int {
	if mcp.IsModernProtocol(server.RequestProtocolVersion(ctx)) {
		return mcp.INVALID_PARAMS
	}
	return mcp.RESOURCE_NOT_FOUND
}

// promptRefusals gives errors of prompts the code for what they are: arguments that do not fit.
func promptRefusals(next server.PromptHandlerFunc) server.PromptHandlerFunc {
	return func(ctx context.Context, req mcp.GetPromptRequest) (*mcp.GetPromptResult, error) {
		res, err := next(ctx, req)
		if err != nil {
			exchangeFrom(ctx).refuse(ctx, mcp.INVALID_PARAMS, "")
		}
		return res, err
	}
}

// refusal is the answer to a call that did not get its turn, in the form of the tools' own errors (registry.Body).
func refusal(err error) *mcp.CallToolResult {
	code := "busy"
	retryable := waitable(err)
	if !retryable {
		code, err = "57014", errCancelled
	}
	r := mcp.NewToolResultError(err.Error())
	r.Meta = mcp.NewMetaFromMap(map[string]any{"mcp-postgres/error": map[string]any{"code": code, "message": err.Error(), "retryable": retryable}})
	return r
}
