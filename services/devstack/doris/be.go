package doris

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func (b *backEnd) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /api/{db}/{table}/_stream_load", b.streamLoad)
	mux.HandleFunc("PUT /api/{db}/_stream_load_2pc", b.secondPhase)
	mux.HandleFunc("PUT /api/{db}/{table}/_stream_load_2pc", b.secondPhase)
	mux.HandleFunc("GET /api/_load_error_log", b.errorLog)
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, secondPhaseReply{"OK", "OK"})
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(Banner + "\n")) // the client is gone, or it has its answer
	})
	return b.ailing(zipped(b.withoutDB(mux)))
}

// ailing is the back end under the fault that all its requests meet.
func (b *backEnd) ailing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, hit := b.faults.take(BEError); hit {
			http.Error(w, "Internal Server Error", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hangUp breaks the connection without an answer; net/http knows this panic and keeps quiet about it.
func hangUp() { panic(http.ErrAbortHandler) } //nolint:forbidigo // the one way that net/http offers

// hold keeps a reply back for as long as the fault says.
func (b *backEnd) hold(r *http.Request) {
	if a, hit := b.faults.take(DelayReply); hit {
		linger(r.Context(), a.Delay)
	}
}

// secondPhase commits or aborts a transaction by id, or by label when there is no id.
func (b *backEnd) secondPhase(w http.ResponseWriter, r *http.Request) {
	op := strings.ToLower(r.Header.Get("txn_operation"))
	msg, err := b.decide(r, op)
	b.hold(r)
	if errors.Is(err, errHangUp) {
		hangUp()
	}
	if err != nil {
		writePretty(w, refusedSecondPhase(err))
		return
	}
	if _, hit := b.faults.take(FailPhaseThoughDone); hit {
		writePretty(w, refusedSecondPhase(timedOut()))
		return
	}
	if _, hit := b.faults.take(map[string]Fault{"commit": DropCommitReply, "abort": DropAbortReply}[op]); hit {
		hangUp()
	}
	writePretty(w, secondPhaseReply{statusSuccess, msg})
}

func refusedSecondPhase(err error) secondPhaseReply {
	var refused *Refusal
	var arg *argError
	switch {
	case errors.As(err, &refused):
		return secondPhaseReply{refused.Code, "TStatus: " + refused.Error()}
	case errors.As(err, &arg):
		return secondPhaseReply{arg.code, arg.text}
	}
	return secondPhaseReply{codeInternal, err.Error()}
}

func (b *backEnd) decide(r *http.Request, op string) (string, error) {
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
	if !b.admit(user, password) {
		return "", refuse("%s", accessDenied(r, user, password))
	}
	who := "transaction [" + idText + "]"
	if idText == "" {
		who = "label [" + label + "]"
	}
	err := b.ask(func(e *Engine) error {
		schema, ok := b.catalog.dbs[r.PathValue("db")]
		switch {
		case r.PathValue("db") == "":
			return refuse("No database selected.")
		case !ok:
			return refuse("unknown database, database=%s", r.PathValue("db"))
		}
		if err := b.mayFinish(user, schema, id, label); err != nil {
			return err
		}
		switch {
		case idText != "" && op == "commit": // an id wins over a label that disagrees
			return e.Commit(schema.ID, id)
		case idText != "":
			return e.Abort(schema.ID, id)
		case label == "":
			return refuse("transaction not found, label=null")
		case op == "commit":
			return e.CommitLabel(schema.ID, label)
		default:
			return e.AbortLabel(schema.ID, label)
		}
	})
	if err != nil {
		return "", err
	}
	b.committed()
	return who + " " + op + " successfully.", nil
}

const errorLogPath = "/api/_load_error_log?file="

// errorLog hands out the rows that a load refused, with the reason for each.
func (b *backEnd) errorLog(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.URL.Query().Get("file")) // never outside the folder
	text, err := os.ReadFile(filepath.Join(b.cfg.Dir, "errors", name))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = w.Write(text) // the client is gone, or it has its answer
}
