package reconcile

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

// While the journal is not open nothing is known of findings: no answer says that there are none.
func TestNotOpenYet(t *testing.T) {
	mux := http.NewServeMux()
	s := NewService(pipeline.NewSet(&config.Config{}, pipeline.Role{}, slog.New(slog.DiscardHandler)), nil, slog.New(slog.DiscardHandler))
	s.Routes(humago.New(mux, huma.DefaultConfig("test", "1")))
	const accept = `{"findings":["0123456789abcdef0123456789abcdef"],"who":"wang","why":"known"}`
	for _, c := range []struct{ method, path, body string }{
		{http.MethodGet, "/v1/findings", ""}, {http.MethodPost, "/v1/findings/accept", accept}, {http.MethodPost, "/v1/reconcile", `{"pipeline":"p"}`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the journal is not open yet") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}
