package postgres

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

const refusedClient = "the database refuses TLS with this client: sslcert and sslkey must name a certificate that is " +
	"valid and signed by an authority that the database trusts"

// tlsReason describes a failed TLS connection: what is wrong, and which parameter of the connection string helps. It is
// empty for any other failure. The names in a certificate are left to the log.
func tlsReason(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return "the database's certificate is for another name than the host in the connection string: " +
			"connect by the name in the certificate, or set sslmode=verify-ca to skip the check of the name"
	case errors.As(err, &unknown):
		return "the database's certificate is signed by an unknown authority: set sslrootcert to the file with its CA " +
			"certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the database's certificate has expired or is not valid yet: renew it in the database, or set the clock right"
	case errors.As(err, &invalid):
		return "the database's certificate can't be used: the certificate named by sslrootcert must be that of a CA, and " +
			"the database's one for servers"
	case hungUp(err):
		return refusedClient
	case errors.As(err, &record):
		return "what answers does not speak TLS: check host and port, or set sslmode=disable"
	}
	return tlsText(err)
}

// hungUp reports a connection that ended at once although, or because, we have a client certificate: a server that
// refuses it may be gone before its alert is read.
func hungUp(err error) bool {
	var ce *pgconn.ConnectError
	return errors.As(err, &ce) && ce.Config.TLSConfig != nil && len(ce.Config.TLSConfig.Certificates) > 0 &&
		(errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// tlsText is tlsReason for the errors that the driver has only texts for.
func tlsText(err error) string {
	text := err.Error()
	_, alert, alerted := strings.Cut(text, "remote error: tls: ")
	switch {
	case alerted && strings.Contains(alert, "certificate"):
		return refusedClient
	case alerted:
		return "the database and this client have no TLS version or cipher in common: see ssl_min_protocol_version and " +
			"ssl_ciphers in the database"
	case strings.Contains(text, "channel binding"):
		return "the login has no channel binding, but channel_binding=require asks for it: it takes TLS and a " +
			"scram-sha-256 password; else set channel_binding=prefer"
	case strings.Contains(text, "SSL certificate"):
		return "sslcertmode=require, but the database asks for no client certificate: remove sslcertmode, or set " +
			"clientcert in its pg_hba.conf"
	case strings.Contains(text, "server refused TLS connection") && !mayDoWithout(err):
		return "the database has no TLS, but sslmode asks for it: set ssl=on in the database, or sslmode=disable where the " +
			"network can be trusted"
	}
	return ""
}

// mayDoWithout reports a connection string that also tries without TLS, so that the lack of it is not what failed.
func mayDoWithout(err error) bool {
	var ce *pgconn.ConnectError
	return errors.As(err, &ce) && (ce.Config.TLSConfig == nil ||
		slices.ContainsFunc(ce.Config.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.TLSConfig == nil }))
}

// certificateRefusal describes a login that is refused over TLS or the lack of it; empty for any other.
func certificateRefusal(pe *pgconn.PgError) string {
	switch {
	case strings.Contains(pe.Message, "requires a valid client certificate"):
		return "the database wants a client certificate: set sslcert and sslkey to its files"
	case strings.Contains(pe.Message, "certificate authentication failed"):
		return "the client certificate does not fit the login: its common name must be the user"
	case strings.Contains(pe.Message, "no pg_hba.conf entry") &&
		(strings.Contains(pe.Message, "no encryption") || strings.Contains(pe.Message, "SSL off")):
		return "the database's pg_hba.conf has no entry for this login without TLS: set sslmode=require"
	case strings.Contains(pe.Message, "no pg_hba.conf entry"):
		return "the database's pg_hba.conf has no entry for this login"
	}
	return ""
}

// fileFaults are the driver's texts for files it can't use, with the parameter that names the file.
var fileFaults = []struct{ text, parameter, fault string }{
	{"unable to read CA file", "sslrootcert", "can't be read"},
	{"unable to add CA to cert pool", "sslrootcert", "holds no certificate in PEM form"},
	{"unable to read sslkey", "sslkey", "can't be read"},
	{"failed to decode sslkey", "sslkey", "holds no key in PEM form"},
	{"unable to find sslpassword", "sslkey", "is encrypted: set sslpassword"},
	{"unable to decrypt key", "sslkey", "is encrypted, and not with sslpassword"},
	{"unable to read cert", "sslcert", "can't be read"},
	{"unable to load cert", "sslcert", "does not fit sslkey, or holds no certificate in PEM form"},
	{"are required", "sslcert and sslkey", "belong together: set both or none"},
}

// fileFault describes a TLS file that can't be used; nil for any other error. It is for the operator and names the
// file.
func fileFault(err error) error {
	for _, f := range fileFaults {
		if !strings.Contains(err.Error(), f.text) {
			continue
		}
		file := (*fs.PathError)(nil)
		switch {
		case !errors.As(err, &file):
			return connFault("%s %s", f.parameter, f.fault)
		case strings.ContainsAny(file.Path, ":@"):
			return connFault("%s %s: %w", f.parameter, f.fault, file.Err)
		}
		return connFault("%s %s: %w", f.parameter, f.fault, file)
	}
	return nil
}
