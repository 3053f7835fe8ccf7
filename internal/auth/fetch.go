package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mcp-postgres/internal/redact"
)

const (
	// fetchTime bounds a fetch of the keys, discovery included.
	fetchTime = 10 * time.Second
	// maxDocument bounds what the issuer may answer, in bytes.
	maxDocument = 1 << 20
)

// source is where the keys are.
type source struct {
	client          *http.Client
	issuer, jwksURL string
}

func newSource(c Config) source {
	client := http.Client{Transport: http.DefaultTransport}
	if c.HTTPClient != nil {
		client = *c.HTTPClient
	}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 {
			return errors.New("more than 3 redirects")
		}
		if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
			return errors.New("redirected away from https")
		}
		return checkURL(r.URL)
	}
	return source{client: &client, issuer: c.Issuer, jwksURL: c.JWKSURL}
}

// keys fetches the key set. Without a URL it asks the issuer: OpenID discovery, RFC 8414, and at last the usual place.
func (s source) keys(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if s.jwksURL != "" {
		return s.get(ctx, s.jwksURL)
	}
	var faults []error
	for _, u := range metadataURLs(s.issuer) {
		found, err := s.discover(ctx, u)
		if err == nil {
			return s.get(ctx, found)
		}
		if errors.As(err, &otherIssuerError{}) || ctx.Err() != nil {
			return nil, err
		}
		faults = append(faults, err)
	}
	body, err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/jwks.json")
	if err != nil {
		return nil, errors.Join(append(faults, err)...)
	}
	return body, nil
}

// metadataURLs are where an issuer may describe itself. RFC 8414 puts the well-known part before the path of the
// issuer; some put it after.
func metadataURLs(issuer string) []string {
	base := strings.TrimSuffix(issuer, "/")
	list := []string{base + "/.well-known/openid-configuration"}
	const server = "/.well-known/oauth-authorization-server"
	if u, err := url.Parse(base); err == nil && u.EscapedPath() != "" {
		list = append(list, u.Scheme+"://"+u.Host+server+u.EscapedPath())
	}
	return append(list, base+server)
}

// otherIssuerError is a description that names another issuer: whoever answers is not who the operator trusts.
type otherIssuerError struct{ error }

func (s source) discover(ctx context.Context, from string) (jwksURL string, err error) {
	body, err := s.get(ctx, from)
	if err != nil {
		return "", err
	}
	var d map[string]any
	if err := json.Unmarshal(body, &d); err != nil {
		return "", fmt.Errorf("reading %s: the answer is not a JSON object", redact.Text(from))
	}
	if name, _ := d["issuer"].(string); name != s.issuer {
		return "", otherIssuerError{fmt.Errorf("the issuer calls itself %q, not %q: set MCP_AUTH_ISSUER to exactly what it "+
			"calls itself, "+
			"or MCP_AUTH_JWKS_URL", name, s.issuer)}
	}
	jwksURL, _ = d["jwks_uri"].(string)
	if jwksURL == "" {
		return "", fmt.Errorf("reading %s: it has no jwks_uri", redact.Text(from))
	}
	return jwksURL, nil
}

func (s source) get(ctx context.Context, from string) ([]byte, error) {
	where := redact.Text(from)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where, nil)
	if err == nil {
		err = checkURL(r.URL)
	}
	if err != nil {
		return nil, fmt.Errorf("fetching %q: %w", where, reason(err))
	}
	r.Header.Set("Accept", "application/json, application/jwk-set+json")
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", where, reason(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: the answer is %d", where, answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", where, err)
	}
	if len(body) > maxDocument {
		return nil, fmt.Errorf("reading %s: the answer is longer than %d bytes", where, maxDocument)
	}
	return body, nil
}

// reason is an error without the URL that was asked, which may hold a key.
func reason(err error) error {
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}
