package dorisconn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// config is nil, for the system's certificates, where there is no TLS to configure.
func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls ca_file %s: no PEM certificate in it", t.CAFile)
		}
	}
	if t.CertFile != "" || t.KeyFile != "" {
		if _, err := t.certificate(nil); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = t.certificate
	}
	return conf, nil
}

// certificate reads the pair at each handshake: certificates of a few days' life are
// replaced under a running process.
func (t *TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls cert_file %s, key_file %s: %w", t.CertFile, t.KeyFile, err)
	}
	return &cert, nil
}
