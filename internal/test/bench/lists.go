package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"mcp-postgres/internal/demo"
)

// listTools are the tool files of trust caller whose statements are decided on for each caller; distance is how far
// away the database is, there and back.
const (
	listTools = 200
	distance  = 20 * time.Millisecond
	listFor   = 5 * time.Second
	audience  = "http://127.0.0.1/mcp"
)

const listRequest = `"method":"tools/list","params":{}`

const listRules = `roles:
  lister: {schemas: [shop], tables: [customers], operations: [select]}
  caller: {schemas: [shop], tables: "*", operations: [select]}
users: {alice: lister, bob: caller}
`

// lists measures what one caller with tools/list in a loop does to the calls of another.
func (b *bench) lists(ctx context.Context) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	issuer := httptest.NewServer(keySet(public))
	defer issuer.Close()
	dir, err := os.MkdirTemp("", "bench-lists")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeLists(dir); err != nil {
		return err
	}
	c, err := demo.Start(ctx, demo.Config{Sample: true, TCP: true})
	if err != nil {
		return err
	}
	defer func() { _ = c.Stop() }()
	far, err := away(c.URL())
	if err != nil {
		return err
	}
	w, err := launchHTTP(ctx, func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		return []string{"DATABASE_URL=" + far, b.server, "--transport", "streamable-http", "--host", host, "--port", port,
			"--tools", filepath.Join(dir, "tools"), "--auth-issuer", issuer.URL, "--auth-jwks-url", issuer.URL,
			"--auth-audience", audience,
			"--permissions", filepath.Join(dir, "permissions.yaml"), "--caller-rate", "10000"}
	}, token(private, issuer.URL, "bob"))
	if err != nil {
		return err
	}
	defer func() { _ = w.close() }()
	return b.compareLists(ctx, w, token(private, issuer.URL, "alice"))
}

// compareLists prints what bob's calls take alone, and while alice lists.
func (b *bench) compareLists(ctx context.Context, w *web, alice string) error {
	alone, err := w.medianCall(ctx)
	if err != nil {
		return err
	}
	listing, stop := context.WithCancel(ctx)
	defer stop()
	lister := *w
	lister.token = alice
	began := time.Now()
	if _, err := lister.ask(ctx, listRequest, new(bytes.Buffer)); err != nil {
		return err
	}
	first := time.Since(began)
	lists, ended := 0, make(chan struct{})
	go func() {
		defer close(ended)
		for memory := new(bytes.Buffer); listing.Err() == nil; lists++ {
			_, _ = lister.ask(listing, listRequest, memory) // the last one is cut off
		}
	}()
	beside, err := w.medianCall(ctx)
	stop()
	<-ended
	fmt.Printf("\n%d tools of trust caller, the database %v away: the first tools/list of a caller takes %.0f ms.\n"+
		"A call of another caller takes %.1f ms alone, %.1f ms beside %d lists that the first one asks for in a loop.\n",
		listTools, distance, first.Seconds()*1000, alone, beside, lists)
	b.atMost("the first tools/list", first.Seconds()/distance.Seconds(), 20, " times the distance")
	b.atMost("a call beside tools/list in a loop", beside/alone, 2, "x")
	return err
}

// medianCall is the median time of a call, in milliseconds, over a while.
func (w *web) medianCall(ctx context.Context) (float64, error) {
	var took []time.Duration
	memory := new(bytes.Buffer)
	for end := time.Now().Add(listFor); time.Now().Before(end); {
		began := time.Now()
		if _, err := w.ask(ctx, query("SELECT count(*) FROM shop.customers", "csv"), memory); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	if len(took) == 0 {
		return 0, errors.New("no call was answered")
	}
	slices.Sort(took)
	return took[len(took)/2].Seconds() * 1000, nil
}

func keySet(public ed25519.PublicKey) http.Handler {
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{"kty": "OKP", "crv": "Ed25519", "use": "sig",
		"x": base64.RawURLEncoding.EncodeToString(public)}}})
	if err != nil {
		panic(err) // texts
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
}

func token(key ed25519.PrivateKey, issuer, sub string) string {
	claims := jwt.MapClaims{"iss": issuer, "aud": audience, "sub": sub, "exp": time.Now().Add(time.Hour).Unix()}
	text, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(key)
	if err != nil {
		panic(err) // the key is one
	}
	return text
}

func writeLists(dir string) error {
	tools := filepath.Join(dir, "tools")
	errs := []error{os.Mkdir(tools, 0o700), os.WriteFile(filepath.Join(dir, "permissions.yaml"), []byte(listRules), 0o600)}
	for i := range listTools {
		table := [...]string{"customers", "orders"}[i%2] // the lister may not read the other
		text := fmt.Sprintf("/*---\ndescription: Rows from %d on.\ntrust: caller\n---*/\nSELECT id FROM shop.%s WHERE id > "+
			"%d ORDER BY id LIMIT 5", i, table, i)
		errs = append(errs, os.WriteFile(filepath.Join(tools, fmt.Sprintf("rows_from_%d.sql", i)), []byte(text), 0o600))
	}
	return errors.Join(errs...)
}

// away is the address of a database as if it were farther away. What it starts ends with this program.
func away(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	near := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", near)
			if err != nil {
				_ = client.Close()
				continue
			}
			go delayed(client, server)
			go delayed(server, client)
		}
	}()
	u.Host = listener.Addr().String()
	return u.String(), nil
}

// delayed copies what comes, half the distance later.
func delayed(from, to net.Conn) {
	type part struct {
		bytes []byte
		due   time.Time
	}
	parts := make(chan part, 10_000)
	go func() {
		defer to.Close()
		for p := range parts {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.bytes); err != nil {
				return
			}
		}
	}()
	defer close(parts)
	for {
		buf := make([]byte, 32<<10)
		n, err := from.Read(buf)
		if n > 0 {
			parts <- part{buf[:n], time.Now().Add(distance / 2)}
		}
		if err != nil {
			return
		}
	}
}
