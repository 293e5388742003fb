package doris

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// columns is the load's column list: the original table's nine, under the names that
// the lines carry.
const columns = "sscsdm,extract_time,record,city_partition_id,city_offset_id,city_ts,hw_partition_id,hw_offset_id,hw_ts"

// loadReply is what a back end says of a Stream Load (doris-wire.md §1.8).
type loadReply struct {
	TxnID    int64
	Label    string
	TwoPhase string
	Status   string
	Message  string
	Loaded   int64
	Bytes    int64
	FirstBad string
}

// load sends one Stream Load under a label and returns the reply when the transaction
// is PRECOMMITTED, with the back end that gave it. After an error it is not known what
// Doris has of it. body is closed when load returns.
func (f *frontEnd) load(ctx context.Context, database, table, label, zone string, body io.ReadCloser) (*loadReply, string, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	h := http.Header{}
	for k, v := range map[string]string{
		"Expect": "100-continue", "label": label, "two_phase_commit": "true", "format": "json",
		"read_json_by_line": "true", "strip_outer_array": "false", "max_filter_ratio": "0", "strict_mode": "true",
		"group_commit": "off_mode", "columns": columns, "timezone": zone,
		"timeout": strconv.Itoa(int(loadTimeout / time.Second)),
	} {
		h.Set(k, v)
	}
	raw, host, err := f.put(ctx, "/api/"+url.PathEscape(database)+"/"+url.PathEscape(table)+"/_stream_load", h, body)
	if err != nil {
		return nil, host, err
	}
	var r loadReply
	err = fields(raw, map[string]any{
		"TxnId": &r.TxnID, "Label": &r.Label, "TwoPhaseCommit": &r.TwoPhase, "Status": &r.Status, "Message": &r.Message,
		"NumberLoadedRows": &r.Loaded, "LoadBytes": &r.Bytes, "FirstErrorMsg": &r.FirstBad,
	})
	switch {
	case err != nil || r.Status == "":
		return nil, host, fmt.Errorf("%s: reply to a load is none: %s", host, shown(raw))
	case r.Status != "Success":
		return nil, host, fmt.Errorf("%s: %s: %s %s", host, r.Status, r.Message, r.FirstBad)
	case r.TwoPhase != "true" || r.TxnID <= 0 || r.Label != label:
		return nil, host, fmt.Errorf("%s: reply belongs to another load: %s", host, shown(raw))
	}
	return &r, host, nil
}

// fields reads some fields of a JSON object by their exact names. A load reply has
// Status and a refusal has status, and encoding/json would take one for the other.
func fields(raw []byte, to map[string]any) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	for name, at := range to {
		if v, ok := all[name]; ok {
			if err := json.Unmarshal(v, at); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// commit asks for the second phase of a transaction. What became of it only the state
// says; the answer is for people.
func (f *frontEnd) commit(ctx context.Context, database string, txn int64) (answer string, err error) {
	return f.finish(ctx, database, "commit", "txn_id", strconv.FormatInt(txn, 10))
}

// abort asks for the end of what is under way under a label, as commit does.
func (f *frontEnd) abort(ctx context.Context, database, label string) (answer string, err error) {
	return f.finish(ctx, database, "abort", "label", label)
}

func (f *frontEnd) finish(ctx context.Context, database, operation, key, value string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	h := http.Header{}
	h.Set("Expect", "100-continue")
	h.Set("txn_operation", operation)
	h.Set(key, value)
	raw, host, err := f.put(ctx, "/api/"+url.PathEscape(database)+"/_stream_load_2pc", h, http.NoBody)
	if err != nil {
		return "", fmt.Errorf("%s %s %s: %w", operation, key, value, err)
	}
	return fmt.Sprintf("%s: %s", host, shown(raw)), nil
}

// state asks for the state of a label's newest transaction; a follower sends the
// question to the master (doris-wire.md §3.4). Errors: errUnauthorized.
func (f *frontEnd) state(ctx context.Context, database, label string) (domain.DorisState, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	to := f.base + "/api/" + url.PathEscape(database) + "/get_load_state?label=" + url.QueryEscape(label)
	for range 3 {
		raw, host, location, err := f.hop(ctx, http.MethodGet, to, http.Header{}, nil)
		if err != nil {
			return "", fmt.Errorf("ask for the state of label %s: %w", label, err)
		}
		if location != "" {
			to = location
			continue
		}
		code, state := -1, ""
		err = fields(raw, map[string]any{"code": &code, "data": &state})
		switch {
		case code == http.StatusUnauthorized: // with HTTP status 200 (doris-wire.md §11.2)
			return "", fmt.Errorf("ask %s for the state of label %s: %w", host, label, errUnauthorized)
		case err != nil || code != 0 || state == "":
			return "", fmt.Errorf("ask %s for the state of label %s: %s", host, label, shown(raw))
		}
		return domain.DorisState(state), nil
	}
	return "", fmt.Errorf("ask for the state of label %s: sent from front end to front end", label)
}
