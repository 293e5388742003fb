package doris

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func (s *Server) beHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /api/{db}/{table}/_stream_load", s.streamLoad)
	mux.HandleFunc("PUT /api/{db}/_stream_load_2pc", s.secondPhase)
	mux.HandleFunc("PUT /api/{db}/{table}/_stream_load_2pc", s.secondPhase)
	mux.HandleFunc("GET /api/_load_error_log", s.errorLog)
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, secondPhaseReply{"OK", "OK"})
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(Banner + "\n")) // the client is gone, or it has its answer
	})
	return mux
}

// hangUp breaks the connection without an answer; net/http knows this panic and keeps quiet about it.
func hangUp() { panic(http.ErrAbortHandler) } //nolint:forbidigo // the one way that net/http offers

// hold keeps a reply back for as long as the fault says.
func (s *Server) hold(r *http.Request) {
	d := s.faults.delay()
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

// secondPhase commits or aborts a transaction by id, or by label when there is no id.
func (s *Server) secondPhase(w http.ResponseWriter, r *http.Request) {
	op := strings.ToLower(r.Header.Get("txn_operation"))
	msg, err := s.decide(r, op)
	s.hold(r)
	if err != nil {
		writePretty(w, refusedSecondPhase(err))
		return
	}
	if op == "commit" && s.faults.DropCommitReply.Load() || op == "abort" && s.faults.DropAbortReply.Load() {
		hangUp()
	}
	writePretty(w, secondPhaseReply{statusSuccess, msg})
}

func refusedSecondPhase(err error) secondPhaseReply {
	var refused *Refusal
	if errors.As(err, &refused) {
		return secondPhaseReply{refused.Code, "TStatus: " + refused.Error()}
	}
	return secondPhaseReply{codeInternal, err.Error()}
}

func (s *Server) decide(r *http.Request, op string) (string, error) {
	user, password, ok := r.BasicAuth()
	if !ok {
		return "", errors.New("no valid Basic authorization")
	}
	if op != "commit" && op != "abort" {
		return "", errors.New("transaction operation should be 'commit' or 'abort'")
	}
	idText, label := r.Header.Get("txn_id"), r.Header.Get("label")
	var id int64
	if idText != "" {
		var err error
		if id, err = strconv.ParseInt(idText, 10, 64); err != nil {
			return "", errors.New("convert txn_id [" + idText + "] failed, reason=" + err.Error())
		}
	}
	if !s.admit(user, password) {
		return "", refuse("%s", accessDenied(r, user, password))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, ok := s.catalog.dbs[r.PathValue("db")]
	if !ok {
		return "", refuse("unknown database, database=%s", r.PathValue("db"))
	}
	var err error
	e := s.engine
	who := "transaction [" + idText + "]"
	if idText == "" {
		who = "label [" + label + "]"
	}
	switch {
	case idText != "" && op == "commit": // an id wins over a label that disagrees
		err = e.Commit(schema.ID, id)
	case idText != "":
		err = e.Abort(schema.ID, id)
	case label == "":
		err = refuse("transaction not found, label=null")
	case op == "commit":
		err = e.CommitLabel(schema.ID, label)
	default:
		err = e.AbortLabel(schema.ID, label)
	}
	if err != nil {
		return "", err
	}
	if op == "commit" {
		s.committed()
	}
	return who + " " + op + " successfully.", nil
}

const errorLogPath = "/api/_load_error_log?file="

// errorLog hands out the rows that a load refused, with the reason for each.
func (s *Server) errorLog(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Query().Get("file")) // never outside the folder
	text, err := os.ReadFile(filepath.Join(s.cfg.Dir, "errors", name))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(text) // the client is gone, or it has its answer
}
