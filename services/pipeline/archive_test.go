package pipeline_test

import (
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/projections/tlsconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// The archive of a configuration: a stand-in for a bucket behind TLS with a login from
// files, or a folder.
func TestArchiveOfAConfiguration(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket("segments"); err != nil {
		t.Fatal(err)
	}
	inner := gofakes3.New(backend).Server()
	var login atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		login.Store(r.Header.Get("Authorization") + " " + r.URL.Path)
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c := config.Default()
	c.DataDir = filepath.Join(dir, "data")
	c.Journal.Archive = &config.Archive{
		Bucket: "segments", Prefix: "bridge", Endpoint: server.URL, Region: "cn-north-1",
		AccessKeyFile: put("access", "WANG\n"), SecretKeyFile: put("secret", "open sesame\n"),
		TLS: &tlsconn.Files{CAFile: put("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))},
	}
	size := func() error {
		t.Helper()
		s, err := pipeline.OpenStore(t.Context(), &c, quiet())
		if err != nil {
			return err
		}
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
		_, err = s.Archive.Place().Size(t.Context(), "x")
		return err
	}
	if err := size(); !errors.Is(err, archive.ErrNoFile) {
		t.Error(err)
	}
	if got, _ := login.Load().(string); !strings.Contains(got, "Credential=WANG/") || !strings.HasSuffix(got, " /segments/bridge/x") || strings.Contains(got, "sesame") {
		t.Errorf("asked with %q", got)
	}
	c.Journal.Archive.SecretKeyFile = filepath.Join(dir, "nowhere")
	if err := size(); err == nil || !strings.Contains(err.Error(), "journal.archive: open "+filepath.Join(dir, "nowhere")) {
		t.Error(err)
	}
	c.Journal.Archive.TLS.CAFile = filepath.Join(dir, "nobody")
	if err := size(); err == nil || !strings.Contains(err.Error(), "journal.archive: tls ca_file") {
		t.Error(err)
	}
	c.Journal.Archive = &config.Archive{Dir: filepath.Join(dir, "a", "b")}
	if err := size(); !errors.Is(err, archive.ErrNoFile) { // the lock was given back each time
		t.Error(err)
	}
	c.Journal.Archive = nil
	s, err := pipeline.OpenStore(t.Context(), &c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil || s.Archive != nil {
		t.Error(err, s.Archive)
	}
}
