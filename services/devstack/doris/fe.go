package doris

import (
	"context"
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

func (f *frontEnd) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{db}/{table}/_stream_load", only("PUT", f.redirectLoad))
	mux.HandleFunc("/api/{db}/_stream_load_2pc", only("PUT", f.redirectSecondPhase))
	mux.HandleFunc("/api/{db}/{table}/_stream_load_2pc", only("PUT", f.redirectSecondPhase))
	mux.HandleFunc("/api/{db}/get_load_state", f.withLogin(f.getLoadState))
	mux.HandleFunc("/api/{db}/{table}/_schema", f.withLogin(f.getSchema))
	mux.HandleFunc("/api/backends", f.withLogin(f.getBackends))
	mux.HandleFunc("/api/bootstrap", f.getBootstrap)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/")
		if path == "" {
			path = "index.html"
		}
		internalError(w, fmt.Sprintf("No static resource %s.", path))
	})
	return closing(f.ailing(mux))
}

// ailing is the front end under the faults that all its requests meet.
func (f *frontEnd) ailing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, hit := f.faults.take(FEError); hit {
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
			return
		}
		f.dawdle(r.Context())
		next.ServeHTTP(w, r)
	})
}

// dawdle keeps an answer back for as long as slow-fe says.
func (f *frontEnd) dawdle(ctx context.Context) {
	if a, hit := f.faults.take(SlowFE); hit {
		linger(ctx, a.Delay)
	}
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
func (f *frontEnd) redirectLoad(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("group_commit") {
	case "", "sync_mode", "async_mode", "off_mode":
	default:
		writeJSON(w, loadRefusal{"FAILED", "Header `group_commit` can only be `sync_mode`, `async_mode` or `off_mode`."})
		return
	}
	user, password, ok := f.login(w, r)
	if !ok {
		return
	}
	if r.Header.Get("Expect") == "" {
		writeJSON(w, loadRefusal{"FAILED", "There is no 100-continue header"})
		return
	}
	if !f.accounts.may(user, privLoad, r.PathValue("db"), r.PathValue("table")) {
		writeJSON(w, loadRefusal{"FAILED", loadRefused})
		return
	}
	f.redirectToBackEnd(w, r, user, password)
}

func (f *frontEnd) redirectSecondPhase(w http.ResponseWriter, r *http.Request) {
	user, password, ok := f.login(w, r)
	if !ok {
		return
	}
	switch {
	case r.Header.Get("txn_id") == "" && r.Header.Get("label") == "":
		writeJSON(w, loadRefusal{"FAILED", "No transaction id or label selected."})
	case r.Header.Get("txn_operation") == "":
		writeJSON(w, loadRefusal{"FAILED", "No transaction operation('commit' or 'abort') selected."})
	default:
		f.redirectToBackEnd(w, r, user, password)
	}
}

const noBackEndText = "errCode = 2, detailMessage = No backend available for load, please check the status of your backends., " +
	"policy: computeNode=false | query=false | load=true | schedule=false | tags= | medium=null, compute group is AllBackendComputeGroup"

func (f *frontEnd) redirectToBackEnd(w http.ResponseWriter, r *http.Request, user, password string) {
	b, ok := f.pick()
	if !ok {
		writeJSON(w, loadRefusal{"FAILED", noBackEndText})
		return
	}
	redirect(w, r, b.announced(), user, password)
}

// redirect writes the credentials into the Location, and a question mark even without a query: both as observed.
func redirect(w http.ResponseWriter, r *http.Request, to, user, password string) {
	w.Header().Set("Location", "http://"+url.UserPassword(user, password).String()+"@"+to+r.URL.EscapedPath()+"?"+r.URL.RawQuery)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
