package kafkaconn_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

// serverTLS is the certificate that net/http/httptest carries (127.0.0.1 and
// example.com, its own CA), and files with it and with its key.
func serverTLS(t *testing.T) (conf *tls.Config, certFile, keyFile string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: s.Certificate().Raw},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &tls.Config{Certificates: s.TLS.Certificates}, certFile, keyFile
}

func TestClientCertificate(t *testing.T) {
	server, cert, key := serverTLS(t)
	server.ClientAuth = tls.RequireAnyClientCert
	c := standin(t, kfake.SeedTopics(1, "rows"), kfake.TLS(server))
	// example.com is in the certificate, and is not what is dialled.
	c.TLS = &kafkaconn.TLS{CAFile: cert, CertFile: cert, KeyFile: key, ServerName: "example.com"}
	if _, err := kafkaconn.Describe(deadline(t), dial(t, c), "rows"); err != nil {
		t.Error(err)
	}
}
