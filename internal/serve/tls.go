package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// tlsConfig serves the certificate in the files; nil without files.
func tlsConfig(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	if certFile == "" && keyFile == "" {
		return nil, nil
	}
	if certFile == "" || keyFile == "" {
		return nil, errors.New("--tls-cert and --tls-key: want both or none")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, nil
}

// certificate is a pair of files, which may be renewed at any time.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time // of the files, when they were loaded
}

// get gives the certificate for a new connection, from the files if they have changed. If they can't be read, perhaps
// because only one of them is new yet, the old one stays.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times() != c.changed {
		if err := c.load(); err != nil {
			c.log.Warn("the certificate stays: the new one can't be used", "error", err)
		} else {
			c.log.Info("certificate renewed", "file", c.certFile)
		}
	}
	return c.pair, nil
}

func (c *certificate) load() error {
	times := c.times()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading --tls-cert and --tls-key: %w", err)
	}
	c.pair, c.changed = &pair, times
	return nil
}

// times of a file that is not there are zero.
func (c *certificate) times() (times [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			times[i] = info.ModTime()
		}
	}
	return times
}
