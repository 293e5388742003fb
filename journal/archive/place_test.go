package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
)

// standIn is a stand-in for an S3-compatible store, with faults. It is no proof that a
// real one behaves so.
type standIn struct {
	*httptest.Server
	inner http.Handler
	mu    sync.Mutex
	fault func(w http.ResponseWriter, r *http.Request) (handled bool) // before the request is looked at
	after func(r *http.Request) bool                                  // the answer is lost
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	backend := s3mem.New()
	must(t, backend.CreateBucket("segments"))
	inner := gofakes3.New(backend).Server()
	s := &standIn{inner: inner}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault, after := s.fault, s.after
		s.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		if after != nil && after(r) {
			inner.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // the connection breaks
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *standIn) with(fault func(http.ResponseWriter, *http.Request) bool, after func(*http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault, s.after = fault, after
}

func (s *standIn) place(t *testing.T, prefix string) *archive.S3 {
	t.Helper()
	p, err := archive.OpenS3(archive.S3Config{
		Endpoint: s.URL, Bucket: "segments", Prefix: prefix, Region: "us-east-1", AccessKey: "who", SecretKey: "secret",
		Timeout: time.Minute, Attempts: 2,
	})
	must(t, err)
	t.Cleanup(p.Close)
	return p
}

func places(t *testing.T, test func(t *testing.T, p archive.Place)) {
	t.Run("folder", func(t *testing.T) { test(t, local(t)) })
	t.Run("bucket", func(t *testing.T) { test(t, newStandIn(t).place(t, "a/b")) })
}

func put(t *testing.T, p archive.Place, name string, b []byte) error {
	t.Helper()
	return p.Put(t.Context(), name, func(w io.Writer) error {
		for len(b) > 0 { // in pieces, as it is compressed
			n := min(len(b), 5<<20)
			if _, err := w.Write(b[:n]); err != nil {
				return err
			}
			b = b[n:]
		}
		return nil
	})
}

// TestPlaces is the contract of a Place.
func TestPlaces(t *testing.T) {
	places(t, func(t *testing.T, p archive.Place) {
		ctx, name := t.Context(), "0123/bridge.0.hub/00000000000000000001.hefu"
		if _, err := p.Size(ctx, name); !errors.Is(err, archive.ErrNoFile) {
			t.Error(err)
		}
		if _, err := p.Read(ctx, name, 0, 10); !errors.Is(err, archive.ErrNoFile) {
			t.Error(err)
		}
		large := bytes.Repeat([]byte("0123456789abcdef"), 17<<16) // more than one part
		must(t, put(t, p, name, large))
		if n, err := p.Size(ctx, name); err != nil || n != int64(len(large)) {
			t.Errorf("size %d, %v", n, err)
		}
		for _, c := range []struct{ at, n, want int }{{0, 16, 16}, {5, 3, 3}, {16<<20 - 8, 16, 16}, {len(large) - 4, 4, 4}, {len(large) - 4, 10, 4}, {0, len(large), len(large)}} {
			b, err := p.Read(ctx, name, int64(c.at), c.n)
			if err != nil || !bytes.Equal(b, large[c.at:c.at+c.want]) {
				t.Errorf("read %d at %d: %d bytes, %v", c.n, c.at, len(b), err)
			}
		}
		if err := put(t, p, name, []byte("another")); !errors.Is(err, archive.ErrExists) {
			t.Errorf("over another file: %v", err)
		}
		if n, err := p.Size(ctx, name); err != nil || n != int64(len(large)) {
			t.Errorf("size %d, %v", n, err)
		}
		// Half written is not written, wherever it breaks.
		for _, n := range []int{0, 10, 20 << 20} {
			err := p.Put(ctx, "half", func(w io.Writer) error {
				for range n / (1 << 20) {
					if _, err := w.Write(large[:1<<20]); err != nil {
						return err
					}
				}
				return fmt.Errorf("the store broke off: %w", io.ErrUnexpectedEOF)
			})
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "the store broke off") {
				t.Error(err)
			}
			if _, err := p.Size(ctx, "half"); !errors.Is(err, archive.ErrNoFile) {
				t.Errorf("half a file is there: %v", err)
			}
		}
		must(t, put(t, p, "small", []byte("x")))
		if b, err := p.Read(ctx, "small", 0, 1); err != nil || string(b) != "x" {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// Names are of this package; one that leads out of the folder is nobody's.
func TestNamesStayInTheFolder(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600))
	p, err := archive.OpenLocal(filepath.Join(dir, "archive"))
	must(t, err)
	for _, name := range []string{"../secret", "/etc/hosts", ""} {
		if _, err := p.Size(t.Context(), name); !errors.Is(err, archive.ErrNoFile) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := p.Read(t.Context(), name, 0, 1); !errors.Is(err, archive.ErrNoFile) {
			t.Errorf("%q: %v", name, err)
		}
		if err := put(t, p, name, nil); err == nil {
			t.Errorf("%q was written", name)
		}
	}
}

// A bucket answers with errors, not at all, or its answer is lost: what is there decides.
func TestBucketFaults(t *testing.T) {
	s := newStandIn(t)
	w := newWorld(t, journal.NewMemory(), s.place(t, ""))
	w.fill(4)
	g := w.sealed()
	before, err := w.events(w.j)
	must(t, err)
	broken := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return false
		}
		w.WriteHeader(http.StatusInternalServerError)
		return true
	}
	s.with(broken, nil)
	if a, err := w.store.Write(w.ctx, w.j, hubStream(), g[0][0], g[0][1], [32]byte{}); err == nil {
		t.Errorf("500s: %+v", a)
	}
	// The last request of a put made the file; its answers never came.
	s.with(nil, func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") })
	a := w.archive(g[0][0], g[0][1])
	s.with(nil, nil)
	again, err := w.store.Write(w.ctx, w.j, hubStream(), g[0][0], g[0][1], [32]byte{})
	must(t, err)
	if a != *again {
		t.Errorf("%+v, then %+v", a, again)
	}
	must(t, w.store.Verify(w.ctx, w.j, &a))
	w.drop(g[0][0], g[0][1])
	w.same(before, w.fresh())

	s.with(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}, nil)
	_, err = w.events(w.fresh())
	w.refused("503s", err, a.File, false)
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "bucket segments of "+s.URL) {
		t.Error(err)
	}
	// An answer breaks off within.
	cut := 0
	s.with(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		if cut++; cut%2 == 0 {
			return false
		}
		whole := httptest.NewRecorder()
		s.inner.ServeHTTP(whole, r)
		maps.Copy(w.Header(), whole.Header())
		w.WriteHeader(whole.Code)
		_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, nil)
	w.same(before, w.fresh())
	if cut < 6 {
		t.Errorf("%d answers", cut)
	}
}

// A bucket that hangs is not waited for without end.
func TestBucketThatHangs(t *testing.T) {
	s := newStandIn(t)
	hang := make(chan struct{})
	s.with(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-hang:
		}
		return true
	}, nil)
	p, err := archive.OpenS3(archive.S3Config{Endpoint: s.URL, Bucket: "segments", Region: "us-east-1", Timeout: 50 * time.Millisecond, Attempts: 1})
	must(t, err)
	defer p.Close()
	defer close(hang)
	for what, try := range map[string]func() error{
		"size": func() error { _, err := p.Size(t.Context(), "x"); return err },
		"read": func() error { _, err := p.Read(t.Context(), "x", 0, 1); return err },
		"put":  func() error { return put(t, p, "x", []byte("x")) },
	} {
		if err := try(); err == nil || errors.Is(err, archive.ErrNoFile) || errors.Is(err, archive.ErrExists) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A server that does not know the condition says so, and is asked without it.
func TestBucketWithoutConditions(t *testing.T) {
	s := newStandIn(t)
	asked := 0
	s.with(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") == "" {
			return false
		}
		asked++
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = w.Write([]byte(`<?xml version="1.0"?><Error><Code>NotImplemented</Code><Message>A header that you provided implies functionality that is not implemented.</Message></Error>`))
		return true
	}, nil)
	p := s.place(t, "")
	must(t, put(t, p, "x", []byte("y")))
	if asked == 0 {
		t.Error("it was never asked with the condition")
	}
	if err := put(t, p, "x", []byte("z")); !errors.Is(err, archive.ErrExists) {
		t.Error(err)
	}
}
