package clickhouseconn_test

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/tlsconn"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// secured listens with TLS, under net/http/httptest's certificate for 127.0.0.1 and
// example.com, for a server without; the path is of its authority.
func secured(t *testing.T, to string) (addr, ca string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	ca = filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600))
	plain, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	l := tls.NewListener(plain, &tls.Config{Certificates: s.TLS.Certificates, MinVersion: tls.VersionTLS12})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { join(t, client, to) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); running.Wait() })
	return l.Addr().String(), ca
}

func join(t *testing.T, client net.Conn, to string) {
	defer client.Close()
	server, err := new(net.Dialer).DialContext(t.Context(), "tcp", to)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
	both.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	both.Wait()
}

// TestTLS: a server is spoken with only if an authority that we trust vouches for its name.
func TestTLS(t *testing.T) {
	f, cfg := front(t, clickhouse.FrontConfig{Engine: &canned{}})
	addr, ca := secured(t, f.Addr())
	cfg.Addresses = []string{addr}
	for name, c := range map[string]struct {
		files *tlsconn.Files
		opens bool
	}{
		"trusted":         {&tlsconn.Files{CAFile: ca}, true},
		"by another name": {&tlsconn.Files{CAFile: ca, ServerName: "example.com"}, true},
		"by a wrong name": {&tlsconn.Files{CAFile: ca, ServerName: "example.org"}, false},
		"not trusted":     {&tlsconn.Files{}, false},
		"no such file":    {&tlsconn.Files{CAFile: ca + ".none"}, false},
		"without any TLS": {nil, false},
	} {
		cfg.TLS = c.files
		conn, err := clickhouseconn.Open(t.Context(), cfg)
		if (err == nil) != c.opens {
			t.Errorf("%s: opened with %v", name, err)
			continue
		}
		if err != nil {
			continue
		}
		if got, err := ask(t.Context(), conn, "SELECT 1"); err != nil || got != "SELECT 1" {
			t.Errorf("%s: answered %q, %v", name, got, err)
		}
		conn.Close()
	}
}
