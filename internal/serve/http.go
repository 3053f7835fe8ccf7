package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"mcp-postgres/internal/auth"
)

// Kinds of HTTP.
const (
	StreamableHTTP = "streamable-http" // at /mcp
	SSE            = "sse"             // of revision 2024-11-05, at /sse and /message
)

// Times and sizes of the HTTP server. Answers may take as long as calls do: only what makes no headway is ended.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

// HTTPConfig says how to serve over HTTP.
type HTTPConfig struct {
	// Kind is StreamableHTTP or SSE.
	Kind string
	// PublicURL is the endpoint's URL as clients reach it, if it is known. Its path is served beside the server's own
	// paths, so that a proxy may strip the path or not.
	PublicURL string
	// Host and Port to listen on; port 0 takes a free one.
	Host string
	Port int
	// TLSCert and TLSKey are files in PEM. Renewed files are used without a restart. Empty means plain HTTP.
	TLSCert, TLSKey string
	// AllowedHosts are names that requests may be sent to, beside addresses and localhost: name, name:port, or * for
	// any.
	AllowedHosts []string
	// AllowedOrigins are the origins of web pages that may use the server (CORS).
	AllowedOrigins []string
	// InsecureNoAuth accepts that there is no authentication on an address that others can reach.
	InsecureNoAuth bool
	// ShutdownTimeout bounds how long calls in flight may go on at the end; zero means 10 s.
	ShutdownTimeout time.Duration
}

// HTTP is a server that listens.
type HTTP struct {
	server   *Server
	c        HTTPConfig
	listener net.Listener
	health   *health
	// routes are where the protocol is spoken, by path; protect lets callers in to them, nil lets everybody in.
	routes  map[string]route
	protect func(http.Handler) http.Handler
	// connections are those to the listener.
	connections *connections
}

// NewHTTP listens; Serve must follow.
func (s *Server) NewHTTP(c HTTPConfig) (*HTTP, error) {
	if c.ShutdownTimeout == 0 {
		c.ShutdownTimeout = 10 * time.Second
	}
	if err := c.check(s); err != nil {
		return nil, err
	}
	h := &HTTP{server: s, c: c, connections: newConnections(), health: &health{server: s}}
	if s.Access != nil {
		h.protect = s.Access.Protect
	}
	if c.Kind == SSE {
		base, _ := strings.CutSuffix(c.publicPath(), "/sse")
		h.routes = newSSE(s, base)
	} else {
		h.routes = newStreamable(s)
	}
	config, err := tlsConfig(c.TLSCert, c.TLSKey, s.Logger)
	if err != nil {
		return nil, err
	}
	if h.listener, err = net.Listen("tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port))); err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if config != nil {
		h.listener = tls.NewListener(h.listener, config)
	}
	return h, nil
}

// check refuses to serve strangers by accident.
func (c *HTTPConfig) check(s *Server) error {
	if IsLoopback(c.Host) {
		return nil
	}
	if s.Access == nil && !c.InsecureNoAuth {
		return fmt.Errorf("--host %s lets other machines in, and there is no authentication: set MCP_AUTH_ISSUER, "+
			"listen on 127.0.0.1, or accept that everybody may call every tool with --insecure-no-auth", c.Host)
	}
	if c.TLSCert == "" {
		s.Logger.Warn("serving other machines without TLS: tokens and data can be read on the way "+
			"unless a proxy in front has TLS", "host", c.Host)
	}
	return nil
}

// IsLoopback reports whether an address to listen on is of this machine only.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// addr is the address that it listens on.
func (h *HTTP) addr() net.Addr { return h.listener.Addr() }

// Serve serves until ctx ends and then closes in order: not ready, no new connections, calls in flight answered or,
// after the timeout, cancelled.
func (h *HTTP) Serve(ctx context.Context) error {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: h.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(h.server.Logger.Handler(), slog.LevelWarn),
		ConnState:   h.connections.state,
		BaseContext: func(net.Listener) context.Context { return calls },
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	served := make(chan error, 1)
	wait.Go(func() { served <- srv.Serve(h.listener) })
	h.server.Logger.Info("listening", "address", h.addr().String(), "tls", h.c.TLSCert != "",
		"authentication", h.protect != nil)
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	return h.shutdown(srv, cancel)
}

// shutdown ends srv. cancel cancels the calls.
func (h *HTTP) shutdown(srv *http.Server, cancel context.CancelFunc) error {
	h.server.Logger.Info("shutting down", "timeout", h.c.ShutdownTimeout)
	limit, stop := context.WithTimeout(context.Background(), h.c.ShutdownTimeout)
	defer stop()
	h.health.leave(limit)
	close(h.server.draining)
	err := srv.Shutdown(limit)
	cancel()
	if err == nil {
		return nil
	}
	h.server.Logger.Warn("calls in flight are cancelled: the timeout is over")
	last, stopLast := context.WithTimeout(context.Background(), cancelTime)
	defer stopLast()
	if err := srv.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("shutting down: %w", err), srv.Close())
	}
	return nil
}

// handler is everything that is served.
func (h *HTTP) handler() http.Handler {
	guarded := http.NewServeMux()
	o := h.server.Observer
	if o.Metrics != nil {
		guarded.Handle("GET /metrics", o.Metrics.Handler())
	}
	if h.server.Access != nil {
		metadata := auth.MetadataHandler(h.server.Access.Resource)
		guarded.Handle("/.well-known/oauth-protected-resource", metadata)
		guarded.Handle("/.well-known/oauth-protected-resource/", metadata)
	}
	for path, f := range h.routes {
		protected := h.admitted(f)
		if h.protect != nil {
			protected = h.protect(protected)
		}
		guarded.Handle(path, protected)
		guarded.Handle(path+"/{$}", protected)
	}
	guarded.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "there is nothing at "+quoted(r.URL.Path)+": the endpoint is "+h.c.path())
	})
	all := http.NewServeMux()
	all.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok\n") // who has gone needs no answer
	})
	all.HandleFunc("GET /readyz", h.health.readiness)
	all.Handle("/", o.Metrics.Requests(o.Tracer.Requests(newHostCheck(h.c, o.Metrics).wrap(h.c.ownPaths(guarded)))))
	return answersWhileSending(all)
}

// route serves a request that is let in. It counts among those of its caller until end is called, which route does when
// it returns, before that for a stream that only listens, or after that for one whose answer comes on another stream.
type route func(w http.ResponseWriter, r *http.Request, end func())

// admitted serves requests within the limits of their callers.
func (h *HTTP) admitted(f route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if end := h.server.limiter.Admit(w, r, callerOf(r)); end != nil {
			h.connections.know(r.RemoteAddr)
			f(w, r, end)
		}
	})
}

// path is that of the endpoint.
func (c *HTTPConfig) path() string {
	if c.Kind == SSE {
		return "/sse"
	}
	return "/mcp"
}

// publicPath is the path of the public URL, without a slash at the end.
func (c *HTTPConfig) publicPath() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// ownPaths serves requests whose path is below that of the public URL, as they come through a proxy that does not
// strip it.
func (c *HTTPConfig) ownPaths(next http.Handler) http.Handler {
	public := c.publicPath()
	base, _ := strings.CutSuffix(public, c.path())
	if c.PublicURL == "" || public == c.path() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, below := strings.CutPrefix(r.URL.Path, base+"/")
		switch {
		case strings.TrimSuffix(r.URL.Path, "/") == public:
			r = withPath(r, c.path()+r.URL.Path[len(public):])
		case below:
			r = withPath(r, "/"+path)
		}
		next.ServeHTTP(w, r)
	})
}

func withPath(r *http.Request, path string) *http.Request {
	out := r.WithContext(r.Context())
	out.URL = &url.URL{Path: path, RawQuery: r.URL.RawQuery}
	return out
}

// maxUnread bounds what is read of a body after its answer.
const maxUnread = 8 * maxMessage

// answersWhileSending lets clients that are still sending see that they are refused: closing the connection on them
// could lose the answer, and most read none before they have sent everything.
func answersWhileSending(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		control, body := http.NewResponseController(w), &endedBody{ReadCloser: r.Body}
		_ = control.EnableFullDuplex() // without it, answering ends the reading
		r.Body = body
		if next.ServeHTTP(w, r); !body.ended {
			_ = control.Flush()
			_, _ = io.CopyN(io.Discard, body, maxUnread)
		}
	})
}

// endedBody knows whether a body has been read to its end.
type endedBody struct {
	io.ReadCloser
	ended bool
}

// Read implements io.Reader.
func (b *endedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// callerOf names who shares the slots: without authentication, each address.
func callerOf(r *http.Request) string {
	if caller := subject(r.Context()); caller != "" {
		return "caller " + caller
	}
	return "address " + networkOf(r.RemoteAddr)
}
