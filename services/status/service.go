package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/services/lifecycle"
	"github.com/hefu-io/hefu/services/pipeline"
)

// AddressFile is the file in the data directory that holds the address of the API of
// the process that runs there: where the commands of the same configuration find it.
const AddressFile = "api.addr"

// Service serves the API.
type Service struct {
	set   *pipeline.Set
	board *projections.Board
	log   *slog.Logger
	began time.Time
	parts []lifecycle.Routes
}

// New makes the Service; nothing listens yet. parts are those whose routes it serves beside
// its own.
func New(set *pipeline.Set, board *projections.Board, log *slog.Logger, parts ...lifecycle.Routes) *Service {
	return &Service{set: set, board: board, log: log, began: time.Now(), parts: parts}
}

// Run listens until the context ends, from when the data directory is this process's.
// It returns an error when the address cannot be taken.
func (s *Service) Run(ctx context.Context) error {
	if err := s.set.Held(ctx); err != nil {
		return err
	}
	c := s.set.Config()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.API.Listen)
	if err != nil {
		return fmt.Errorf("status API: %w", err)
	}
	file := filepath.Join(c.DataDir, AddressFile)
	// With an external journal nobody may have made the directory yet.
	if err := errors.Join(os.MkdirAll(c.DataDir, 0o750), os.WriteFile(file, []byte(l.Addr().String()), 0o600)); err != nil {
		return errors.Join(fmt.Errorf("status API: say the address: %w", err), l.Close())
	}
	defer func() { _ = os.Remove(file) }()
	s.log.InfoContext(ctx, "status API listens", "address", "http://"+l.Addr().String())
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("status API on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		_ = srv.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("status API on %s: %w", l.Addr(), err)
	}
	return nil
}

// Handler is the whole API.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", s.ready)
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{s})
	for _, part := range s.parts {
		if measures, is := part.(prometheus.Collector); is {
			reg.MustRegister(measures)
		}
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	// The API listens on loopback only, so whoever can ask may also profile.
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	c := huma.DefaultConfig("Hefu", s.set.Role().Version)
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	api := humago.New(mux, c)
	s.register(api)
	for _, part := range s.parts {
		part.Routes(api)
	}
	return mux
}

// schemaName names a type in the API's description: those of other parts by their package,
// since two may have a Report.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	part := path.Base(t.PkgPath())
	if t.Name() == "" || part == "." || part == "status" {
		return name
	}
	return strings.ToUpper(part[:1]) + part[1:] + name
}

// ready is 200 when every leg runs, else 503 with a line for each that does not.
func (s *Service) ready(w http.ResponseWriter, _ *http.Request) {
	var lines []string
	if _, ok := s.set.Opened(); !ok {
		lines = append(lines, "the journal is not open yet")
	}
	for _, leg := range s.board.Legs() {
		if leg.State != projections.StateRunning {
			lines = append(lines, fmt.Sprintf("%s %s: %s", leg.Stream, leg.State, leg.Error))
		}
	}
	for _, src := range s.board.Sources() {
		if !src.State.AsConfigured() {
			lines = append(lines, fmt.Sprintf("source %s of %s %s: %s", src.Source, src.Pipeline, src.State, src.Error))
		}
	}
	if len(lines) == 0 {
		_, _ = w.Write([]byte("ready\n"))
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, l := range lines {
		_, _ = w.Write([]byte(l + "\n"))
	}
}
