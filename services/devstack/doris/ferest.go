package doris

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
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

func (s *Server) login(w http.ResponseWriter, r *http.Request) (user, password string, ok bool) {
	user, password, ok = r.BasicAuth()
	switch {
	case !ok:
		writeJSON(w, restReply{"Unauthorized", 401, "Need auth information.", 0})
	case !s.admit(user, password):
		ok = false
		writeJSON(w, restReply{"Unauthorized", 401, accessDenied(r, user, password), 0})
	}
	return user, password, ok
}

func (s *Server) withLogin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := s.login(w, r); ok {
			h(w, r)
		}
	}
}

func (s *Server) getLoadState(w http.ResponseWriter, r *http.Request) {
	label := r.URL.Query().Get("label")
	if label == "" {
		writeJSON(w, restReply{"Bad Request", 403, "No label selected", 0})
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, ok := s.catalog.dbs[r.PathValue("db")]
	if !ok {
		err := refuseMissing(codeAnalysis, "unknown databases, dbName=%s", r.PathValue("db"))
		writeJSON(w, restReply{"Error", 1, err.Error(), 0})
		return
	}
	state := "UNKNOWN"
	if t, ok := s.engine.Newest(schema.ID, label); ok {
		state = t.Status.String()
	}
	success(w, state)
}

func (s *Server) getBackends(w http.ResponseWriter, _ *http.Request) {
	host, port, _ := net.SplitHostPort(s.announced())
	n, _ := strconv.Atoi(port)
	type backend struct {
		IP       string `json:"ip"`
		HTTPPort int    `json:"http_port"`
		Alive    bool   `json:"is_alive"`
	}
	success(w, map[string]any{"backends": []backend{{host, n, true}}})
}

func (s *Server) getBootstrap(w http.ResponseWriter, _ *http.Request) {
	success(w, map[string]any{"replayedJournalId": 0, "queryPort": 0, "rpcPort": 0, "version": Banner})
}

func (s *Server) getSchema(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.catalog.table(r.PathValue("db"), r.PathValue("table"))
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
