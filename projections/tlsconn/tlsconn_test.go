package tlsconn_test

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

	"github.com/hefu-io/hefu/projections/tlsconn"
)

// pair are the files of the certificate that net/http/httptest carries (127.0.0.1 and example.com, its own CA).
func pair(t *testing.T) (server *httptest.Server, f tlsconn.Files) {
	t.Helper()
	server = httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	f = tlsconn.Files{CAFile: filepath.Join(dir, "cert.pem"), CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	write(t, f.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	write(t, f.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return server, f
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// handshake is one connection.
func handshake(server *httptest.Server, conf *tls.Config) error {
	c, err := tls.Dial("tcp", server.Listener.Addr().String(), conf)
	if err != nil {
		return err
	}
	defer c.Close()
	// The server's judgement of our certificate comes with the first bytes.
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

func TestHandshake(t *testing.T) {
	server, f := pair(t)
	for name, c := range map[string]struct {
		change func(*tlsconn.Files)
		want   string
	}{
		"all of it":      {func(*tlsconn.Files) {}, ""},
		"another name":   {func(f *tlsconn.Files) { f.ServerName = "example.com" }, ""},
		"not its name":   {func(f *tlsconn.Files) { f.ServerName = "kafka.city" }, "kafka.city"},
		"no authority":   {func(f *tlsconn.Files) { f.CAFile = "" }, "unknown authority"},
		"no certificate": {func(f *tlsconn.Files) { f.CertFile, f.KeyFile = "", "" }, "remote error: tls:"},
	} {
		files := f
		c.change(&files)
		conf, err := files.Config()
		if err != nil {
			t.Fatal(err)
		}
		if err := handshake(server, conf); (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	conf, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.KeyFile); err != nil {
		t.Fatal(err)
	}
	if err := handshake(server, conf); err == nil || !strings.Contains(err.Error(), "tls cert_file "+f.CertFile+", key_file "+f.KeyFile) {
		t.Errorf("the pair is read again at each handshake; without its key: %v", err)
	}
}

func TestFilesRefused(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	write(t, empty, nil)
	for want, f := range map[string]tlsconn.Files{
		"tls ca_file: open /nowhere":                    {CAFile: "/nowhere"},
		"tls ca_file " + empty + ": no PEM certificate": {CAFile: empty},
		"tls cert_file /nowhere, key_file /nowhere: ":   {CertFile: "/nowhere", KeyFile: "/nowhere"},
		"tls cert_file , key_file /nowhere: ":           {KeyFile: "/nowhere"},
	} {
		if _, err := f.Config(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
}
