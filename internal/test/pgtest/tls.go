package pgtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mcp-postgres/internal/demo"
)

// Authority signs certificates for tests.
type Authority struct {
	// PEM is its own certificate.
	PEM  []byte
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Pair is a certificate and its private key, both PEM.
type Pair struct{ Cert, Key []byte }

// NewAuthority makes an authority that nobody knows.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority of a test"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, NotAfter: time.Now().Add(24 * time.Hour),
	}
	a.cert = template
	pair := a.sign(t, template)
	block, _ := pem.Decode(pair.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a.PEM, a.cert = pair.Cert, cert
	return a
}

// Issue makes a certificate for name, a host or a user, that expires at end.
func (a *Authority) Issue(t testing.TB, name string, end time.Time) Pair {
	t.Helper()
	return a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

// sign signs template; the first is the authority's own.
func (a *Authority) sign(t testing.TB, template *x509.Certificate) Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if a.key == nil {
		a.key = key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		t.Fatal(err)
	}
	template.NotBefore = time.Now().Add(-48 * time.Hour)
	cert, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{
		Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		Key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// Files writes the pair to two files.
func (p Pair) Files(t testing.TB) (cert, key string) {
	t.Helper()
	return File(t, p.Cert), File(t, p.Key)
}

// File writes content to a file that only this process can read, for as long as the test runs.
func File(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// UseTLS restarts c with TLS: pair is its certificate, clients those whose certificates it trusts, hba the lines of
// pg_hba.conf beside those that let the superuser in.
func UseTLS(t testing.TB, c *demo.Cluster, pair Pair, clients *Authority, hba string) {
	t.Helper()
	for setting, content := range map[string][]byte{"ssl_cert_file": pair.Cert, "ssl_key_file": pair.Key,
		"ssl_ca_file": clients.PEM} {
		path, err := c.AddFile(setting+".pem", content)
		if err != nil {
			t.Fatal(err)
		}
		Exec(t, c.AdminURL(), "ALTER SYSTEM SET "+setting+" = '"+path+"'")
	}
	Exec(t, c.AdminURL(), "ALTER SYSTEM SET ssl = on")
	lines := "local all all trust\nhost all " + demo.Superuser + " 127.0.0.1/32 scram-sha-256\n" + hba + "\n"
	if _, err := c.AddFile("data/pg_hba.conf", []byte(lines)); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}
