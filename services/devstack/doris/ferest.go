package doris

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// restReply is the body of most REST answers of the front end. HTTP status is 200 whatever the code says.
type restReply struct {
	Msg   string `json:"msg"`
	Code  int    `json:"code"`
	Data  any    `json:"data"`
	Count int    `json:"count"`
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client is gone, or it has its answer
}

func internalError(w http.ResponseWriter, text string) {
	writeJSON(w, restReply{"Internal Error", 500, text, 0})
}

func success(w http.ResponseWriter, data any) { writeJSON(w, restReply{"success", 0, data, 0}) }

func (f *frontEnd) login(w http.ResponseWriter, r *http.Request) (user, password string, ok bool) {
	user, password, ok = r.BasicAuth()
	switch {
	case !ok:
		writeJSON(w, restReply{"Unauthorized", 401, "Need auth information.", 0})
	case !f.admit(user, password):
		ok = false
		writeJSON(w, restReply{"Unauthorized", 401, accessDenied(r, user, password), 0})
	}
	return user, password, ok
}

func (f *frontEnd) withLogin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := f.login(w, r); ok {
			h(w, r)
		}
	}
}

// getLoadState answers at the master; a follower sends there.
func (f *frontEnd) getLoadState(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.isMaster() && f.master != nobody {
		user, password, _ := r.BasicAuth() // it was asked for before
		redirect(w, r, f.fes[f.master].addrs[0], user, password)
		return
	}
	label := r.URL.Query().Get("label")
	if label == "" {
		writeJSON(w, restReply{"Bad Request", 403, "No label selected", 0})
		return
	}
	schema, ok := f.catalog.dbs[r.PathValue("db")]
	if !ok {
		err := refuseMissing(codeAnalysis, "unknown databases, dbName=%s", r.PathValue("db"))
		writeJSON(w, restReply{"Error", 1, err.Error(), 0})
		return
	}
	state := "UNKNOWN"
	if t, ok := f.engine.Newest(schema.ID, label); ok {
		state = t.Status.String()
	}
	success(w, state)
}

// getBackends lists all back ends, or with is_alive=true those that are up.
func (f *frontEnd) getBackends(w http.ResponseWriter, r *http.Request) {
	type backend struct {
		IP       string `json:"ip"`
		HTTPPort int    `json:"http_port"`
		Alive    bool   `json:"is_alive"`
	}
	all := []backend{}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.backEnds() {
		if m.alive || !strings.EqualFold(r.URL.Query().Get("is_alive"), "true") {
			port, _ := strconv.Atoi(m.http) // it was listened at, or was announced
			all = append(all, backend{m.host, port, m.alive})
		}
	}
	success(w, map[string]any{"backends": all})
}

func (f *frontEnd) getBootstrap(w http.ResponseWriter, _ *http.Request) {
	success(w, map[string]any{"replayedJournalId": 0, "queryPort": 0, "rpcPort": 0, "version": Banner})
}

func (f *frontEnd) getSchema(w http.ResponseWriter, r *http.Request) {
	if user, _, _ := r.BasicAuth(); !f.accounts.may(user, privSelect, r.PathValue("db"), r.PathValue("table")) {
		writeJSON(w, restReply{"Unauthorized", 401, readRefused, 0})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, err := f.catalog.table(r.PathValue("db"), r.PathValue("table"))
	if err != nil {
		writeJSON(w, restReply{"Error", 1, err.Error(), 0})
		return
	}
	type property struct {
		Name        string `json:"name"`
		Type        string `json:"type"`
		Comment     string `json:"comment"`
		Aggregation string `json:"aggregation_type"`
	}
	keys := map[Model]string{Unique: "UNIQUE_KEYS", Duplicate: "DUP_KEYS"}[t.Model]
	properties := []property{}
	for _, c := range t.Columns {
		p := property{Name: c.Name, Type: c.Type.Name, Comment: c.Comment}
		if !c.Key {
			p.Aggregation = map[Model]string{Unique: "REPLACE", Duplicate: "NONE"}[t.Model]
		}
		properties = append(properties, p)
	}
	success(w, map[string]any{"status": 200, "keysType": keys, "properties": properties})
}
