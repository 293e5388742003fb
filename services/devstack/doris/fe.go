package doris

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// loadRefusal is how the front end refuses loads and second phases; HTTP status is 200 as well.
type loadRefusal struct {
	Status string `json:"status"`
	Msg    string `json:"msg"`
}

func (s *Server) feHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{db}/{table}/_stream_load", only("PUT", s.redirectLoad))
	mux.HandleFunc("/api/{db}/_stream_load_2pc", only("PUT", s.redirectSecondPhase))
	mux.HandleFunc("/api/{db}/{table}/_stream_load_2pc", only("PUT", s.redirectSecondPhase))
	mux.HandleFunc("/api/{db}/get_load_state", s.withLogin(s.getLoadState))
	mux.HandleFunc("/api/{db}/{table}/_schema", s.withLogin(s.getSchema))
	mux.HandleFunc("/api/backends", s.withLogin(s.getBackends))
	mux.HandleFunc("/api/bootstrap", s.getBootstrap)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		if path == "" {
			path = "index.html"
		}
		internalError(w, fmt.Sprintf("No static resource %s.", path))
	})
	return closing(mux)
}

// closing ends the connection after every request that carried Expect: its body was never asked for.
func closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func only(method string, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			internalError(w, fmt.Sprintf("Request method '%s' is not supported", r.Method))
			return
		}
		h(w, r)
	}
}

// redirectLoad checks what the front end checks (not whether database and table exist) and names the back end.
// An Expect other than 100-continue never gets here: net/http answers it with 417, as the real one's Jetty does.
func (s *Server) redirectLoad(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("group_commit") {
	case "", "sync_mode", "async_mode", "off_mode":
	default:
		writeJSON(w, loadRefusal{"FAILED", "Header `group_commit` can only be `sync_mode`, `async_mode` or `off_mode`."})
		return
	}
	user, password, ok := s.login(w, r)
	if !ok {
		return
	}
	if r.Header.Get("Expect") == "" {
		writeJSON(w, loadRefusal{"FAILED", "There is no 100-continue header"})
		return
	}
	s.redirect(w, r, user, password)
}

func (s *Server) redirectSecondPhase(w http.ResponseWriter, r *http.Request) {
	user, password, ok := s.login(w, r)
	if !ok {
		return
	}
	switch {
	case r.Header.Get("txn_id") == "" && r.Header.Get("label") == "":
		writeJSON(w, loadRefusal{"FAILED", "No transaction id or label selected."})
	case r.Header.Get("txn_operation") == "":
		writeJSON(w, loadRefusal{"FAILED", "No transaction operation('commit' or 'abort') selected."})
	default:
		s.redirect(w, r, user, password)
	}
}

// redirect writes the credentials into the Location, and a question mark even without a query: both as observed.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, user, password string) {
	w.Header().Set("Location", "http://"+url.UserPassword(user, password).String()+"@"+s.announced()+
		r.URL.EscapedPath()+"?"+r.URL.RawQuery)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
