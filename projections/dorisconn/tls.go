package dorisconn

import (
	"crypto/tls"

	"github.com/hefu-io/hefu/projections/tlsconn"
)

// config is nil, for the system's certificates, where there is no TLS to configure.
func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	return tlsconn.Files{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName}.Config()
}
