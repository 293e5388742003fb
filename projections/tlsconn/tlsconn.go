// Package tlsconn turns paths of PEM files into a configuration for TLS, in the same way for every server that we speak
// with.
package tlsconn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Files say how to check a server and, with a certificate, who we are. All of them are PEM.
type Files struct {
	// CAFile holds the certificates to trust; the system's if empty.
	CAFile string `yaml:"ca_file,omitempty"`
	// CertFile and KeyFile are our certificate chain and its key, for servers that ask for one.
	CertFile string `yaml:"cert_file,omitempty"`
	KeyFile  string `yaml:"key_file,omitempty"`
	// ServerName is the name that the certificates carry, where it is not the host that is dialled.
	ServerName string `yaml:"server_name,omitempty"`
}

// Config reads the files, so that a missing one is an error now. Our own pair is read again at each handshake:
// certificates of a few days' life are replaced under a running process.
func (f Files) Config() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.ServerName}
	if f.CAFile != "" {
		pem, err := os.ReadFile(f.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls ca_file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls ca_file %s: no PEM certificate in it", f.CAFile)
		}
	}
	if f.CertFile != "" || f.KeyFile != "" {
		if _, err := f.certificate(nil); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = f.certificate
	}
	return conf, nil
}

func (f Files) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(f.CertFile, f.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls cert_file %s, key_file %s: %w", f.CertFile, f.KeyFile, err)
	}
	return &cert, nil
}
