package dorisconn_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections/dorisconn"
)

// certificate writes the pair that net/http/httptest carries (127.0.0.1 and example.com,
// its own authority) into files.
func certificate(t testing.TB) (conf *tls.Config, certFile, keyFile string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	must(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	return &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12}, certFile, keyFile
}

func newTLSHost(t testing.TB, answer http.HandlerFunc, auth tls.ClientAuthType) *host {
	return startHost(t, answer, func(s *httptest.Server) {
		s.TLS = &tls.Config{ClientAuth: auth, MinVersion: tls.VersionTLS12}
		s.StartTLS()
	})
}

// TestTLS: front ends and back ends with https, their own authority, a name that is not
// the one dialled, and who we are by a certificate that is read anew for each connection.
func TestTLS(t *testing.T) {
	_, cert, key := certificate(t)
	be := newTLSHost(t, backEnd, tls.RequireAnyClientCert)
	fe := newTLSHost(t, frontEnd("http://10.0.0.1:8040"), tls.RequireAnyClientCert)
	own := filepath.Join(t.TempDir(), "own.pem")
	pair, err := os.ReadFile(cert)
	must(t, err)
	must(t, os.WriteFile(own, pair, 0o600))
	c := open(t, dorisconn.Config{
		FE: []string{fe.URL}, BEMap: map[string]string{"10.0.0.1:8040": be.URL},
		TLS: &dorisconn.TLS{CAFile: cert, CertFile: own, KeyFile: key, ServerName: "example.com"},
	})
	for _, op := range operations() {
		if err := op.do(deadline(t), c); err != nil {
			t.Errorf("%s: %v", op.name, err)
		}
	}
	must(t, os.WriteFile(own, []byte("in the middle of a renewal"), 0o600))
	if err := c.MayLoad(deadline(t), "ods", "t"); err == nil || !strings.Contains(err.Error(), own) {
		t.Errorf("without a certificate: %v", err)
	}
	must(t, os.WriteFile(own, pair, 0o600))
	if err := c.MayLoad(deadline(t), "ods", "t"); err != nil {
		t.Errorf("with the new one: %v", err)
	}
}

// TestTLSAsDorisSays: a front end with https sends us to back ends without, and we go.
func TestTLSAsDorisSays(t *testing.T) {
	_, cert, _ := certificate(t)
	be := newHost(t, backEnd)
	fe := newTLSHost(t, sendTo(be.URL), tls.NoClientCert)
	c := open(t, dorisconn.Config{FE: []string{fe.URL}, TLS: &dorisconn.TLS{CAFile: cert}})
	if a := c.Load(deadline(t), aLoad, aBody()); a.Meaning != dorisconn.Prepared {
		t.Error(a)
	}
}

// TestTLSRefused: whom we do not trust gets neither password nor rows.
func TestTLSRefused(t *testing.T) {
	_, cert, _ := certificate(t)
	stranger := newTLSHost(t, backEnd, tls.NoClientCert)
	for name, conf := range map[string]*dorisconn.TLS{"no authority": nil, "another name": {CAFile: cert, ServerName: "doris.example"}} {
		c := open(t, dorisconn.Config{FE: []string{stranger.URL}, TLS: conf})
		for _, op := range operations() {
			if err := op.do(deadline(t), c); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s: %s: %v", name, op.name, err)
			}
		}
	}
	if n, _ := stranger.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}
	for name, conf := range map[string]*dorisconn.TLS{
		"ca_file: ":   {CAFile: "/nowhere"},
		"no PEM":      {CAFile: file(t, "x")},
		"cert_file /": {CertFile: cert, KeyFile: "/nowhere"},
		"cert_file ,": {KeyFile: "/nowhere"},
	} {
		_, err := dorisconn.Open(dorisconn.Config{FE: []string{"http://fe:1"}, MySQL: []string{"fe:2"}, TLS: conf})
		if err == nil || !strings.Contains(err.Error(), "tls "+strings.TrimSuffix(name, "no PEM")) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
