package kafkaconn

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLS says how to check the brokers and, with a certificate, who we are. All
// files are PEM.
type TLS struct {
	// CAFile holds the certificates to trust; the system's if empty.
	CAFile string `yaml:"ca_file,omitempty"`
	// CertFile and KeyFile are our certificate chain and its key, for brokers
	// that ask for one.
	CertFile string `yaml:"cert_file,omitempty"`
	KeyFile  string `yaml:"key_file,omitempty"`
	// ServerName is the name the brokers' certificates carry, where it is not the
	// host that is dialled.
	ServerName string `yaml:"server_name,omitempty"`
}

func (t *TLS) config() (*tls.Config, error) {
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
	if t.CertFile != "" {
		if _, err := t.certificate(nil); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = t.certificate
	}
	return conf, nil
}

// certificate reads the pair at each handshake: certificates of a few days'
// life are replaced under a running process.
func (t *TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls cert_file %s, key_file %s: %w", t.CertFile, t.KeyFile, err)
	}
	return &cert, nil
}
