package doris

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// columns is the load's column list: the original table's nine, under the names that
// the lines carry.
const columns = "sscsdm,extract_time,record,city_partition_id,city_offset_id,city_ts,hw_partition_id,hw_offset_id,hw_ts"

// maxReply bounds a reply: they are a few hundred bytes.
const maxReply = 1 << 20

// frontEnd speaks Doris's HTTP to one front end and to the back ends that it sends us
// to. It follows the 307 itself: net/http would lose the body or the credentials
// (doris-wire.md §1.9).
type frontEnd struct {
	base     string
	user     string
	password string
	http     *http.Client
}

func (d *Doris) dial() (*frontEnd, error) {
	password := ""
	if d.cfg.PasswordFile != "" {
		b, err := os.ReadFile(d.cfg.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("read Doris password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	base := d.cfg.FrontEnds[d.opens%len(d.cfg.FrontEnds)]
	return &frontEnd{
		base: strings.TrimRight(base, "/"), user: d.cfg.User, password: password,
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				// A busy front end may take longer than Go's second to answer; the body
				// must not be pushed to it meanwhile.
				ExpectContinueTimeout: time.Minute,
				ResponseHeaderTimeout: 10 * time.Minute,
				DisableCompression:    true,
			},
		},
	}, nil
}

func (f *frontEnd) close() { f.http.CloseIdleConnections() }

// errBodyWanted says that a front end wanted the body instead of answering 307. No byte
// was sent.
var errBodyWanted = errors.New("front end took the body instead of sending us to a back end")

type unsent struct{}

func (unsent) Read([]byte) (int, error) { return 0, errBodyWanted }

// put sends a request to the front end, follows one 307, and returns the reply of who
// answered, with that one's host. body is read at the back end only, and closed.
func (f *frontEnd) put(ctx context.Context, path string, header http.Header, body io.ReadCloser) (reply []byte, host string, err error) {
	defer body.Close()
	var first io.Reader = unsent{}
	if body == http.NoBody {
		first = http.NoBody
	}
	reply, host, location, err := f.hop(ctx, f.base+path, header, first)
	if err != nil || location == "" {
		return reply, host, err
	}
	reply, host, location, err = f.hop(ctx, location, header, body)
	if err == nil && location != "" {
		err = fmt.Errorf("back end %s sent us on once more", host)
	}
	return reply, host, err
}

// hop does one request. A 307 gives a location without the user information that the
// front end puts into it: the password is ours already and must not reach a log.
func (f *frontEnd) hop(ctx context.Context, to string, header http.Header, body io.Reader) (reply []byte, host, location string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, to, body)
	if err != nil {
		return nil, "", "", errors.New("front end sent us to an address that is none")
	}
	host = req.URL.Host
	req.Header = header.Clone()
	req.SetBasicAuth(f.user, f.password)
	resp, err := f.http.Do(req)
	if err != nil {
		return nil, host, "", scrub(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTemporaryRedirect {
		u, err := resp.Location()
		if err != nil {
			return nil, host, "", fmt.Errorf("%s: 307 without a location", host)
		}
		u.User = nil
		return nil, host, u.String(), nil
	}
	reply, err = io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return nil, host, "", fmt.Errorf("%s: read the reply: %w", host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, host, "", fmt.Errorf("%s: HTTP %s: %s", host, resp.Status, bytes.TrimSpace(reply))
	}
	return reply, host, "", nil
}

// scrub takes the URL out of a client's error: it may hold a user name.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// loadReply is what a back end says of a Stream Load (doris-wire.md §1.8), or a front
// end of its refusal.
type loadReply struct {
	TxnID   int64  `json:"TxnId"`
	Label   string `json:"Label"`
	TwoPC   string `json:"TwoPhaseCommit"`
	Status  string `json:"Status"`
	Message string `json:"Message"`
	Loaded  int64  `json:"NumberLoadedRows"`
	Bytes   int64  `json:"LoadBytes"`

	RefusedStatus string `json:"status"`
	RefusedMsg    string `json:"msg"`
}

// load sends one Stream Load under a label and returns the reply when the transaction
// is PRECOMMITTED. After an error it is not known what Doris has of it.
func (f *frontEnd) load(ctx context.Context, database, table, label, zone string, body io.ReadCloser) (*loadReply, string, error) {
	h := http.Header{}
	for k, v := range map[string]string{
		"Expect": "100-continue", "label": label, "two_phase_commit": "true", "format": "json",
		"read_json_by_line": "true", "strip_outer_array": "false", "max_filter_ratio": "0", "strict_mode": "true",
		"group_commit": "off_mode", "columns": columns, "timezone": zone,
	} {
		h.Set(k, v)
	}
	raw, host, err := f.put(ctx, "/api/"+url.PathEscape(database)+"/"+url.PathEscape(table)+"/_stream_load", h, body)
	if err != nil {
		return nil, host, err
	}
	var r loadReply
	if err := decodeExactly(raw, &r); err != nil {
		return nil, host, fmt.Errorf("%s: reply is no load reply: %w", host, err)
	}
	if r.Status != "Success" || r.TwoPC != "true" || r.TxnID <= 0 || r.Label != label {
		return nil, host, fmt.Errorf("%s: status %q: %s", host, r.Status+r.RefusedStatus, r.Message+r.RefusedMsg)
	}
	return &r, host, nil
}

// decodeExactly decodes by exact key: a load reply has Status, a refusal has status,
// and encoding/json would take one for the other.
func decodeExactly(raw []byte, r *loadReply) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	for key, to := range map[string]any{
		"TxnId": &r.TxnID, "Label": &r.Label, "TwoPhaseCommit": &r.TwoPC, "Status": &r.Status, "Message": &r.Message,
		"NumberLoadedRows": &r.Loaded, "LoadBytes": &r.Bytes, "status": &r.RefusedStatus, "msg": &r.RefusedMsg,
	} {
		if v, ok := fields[key]; ok {
			if err := json.Unmarshal(v, to); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return nil
}

// finish asks for the second phase: "commit" by transaction id, or "abort" by label.
// What became of it, only the state says; the answer's text is for people.
func (f *frontEnd) finish(ctx context.Context, database, operation string, txn int64, label string) (string, error) {
	h := http.Header{}
	h.Set("Expect", "100-continue")
	h.Set("txn_operation", operation)
	if txn > 0 {
		h.Set("txn_id", strconv.FormatInt(txn, 10))
	} else {
		h.Set("label", label)
	}
	raw, host, err := f.put(ctx, "/api/"+url.PathEscape(database)+"/_stream_load_2pc", h, http.NoBody)
	if err != nil {
		return "", err
	}
	var r loadReply
	if err := decodeExactly(raw, &r); err != nil {
		return "", fmt.Errorf("%s: reply to %s is none: %w", host, operation, err)
	}
	return fmt.Sprintf("%s: %s", r.RefusedStatus, r.RefusedMsg), nil
}

// state asks for the state of a label's newest transaction; a follower sends the
// question to the master (doris-wire.md §3.4).
func (f *frontEnd) state(ctx context.Context, database, label string) (domain.DorisState, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	to := f.base + "/api/" + url.PathEscape(database) + "/get_load_state?label=" + url.QueryEscape(label)
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
		if err != nil {
			return "", errors.New("front end sent us to an address that is none")
		}
		req.SetBasicAuth(f.user, f.password)
		resp, err := f.http.Do(req)
		if err != nil {
			return "", fmt.Errorf("ask for the state of label %s: %w", label, scrub(err))
		}
		raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
		resp.Body.Close()
		if err != nil {
			return "", fmt.Errorf("ask for the state of label %s: %w", label, err)
		}
		if u, lerr := resp.Location(); lerr == nil {
			u.User = nil
			to = u.String()
			continue
		}
		var r struct {
			Msg  string          `json:"msg"`
			Code *int            `json:"code"`
			Data json.RawMessage `json:"data"`
		}
		var state string
		if json.Unmarshal(raw, &r) != nil || r.Code == nil || *r.Code != 0 || json.Unmarshal(r.Data, &state) != nil || state == "" {
			return "", fmt.Errorf("ask %s for the state of label %s: %s", req.URL.Host, label, bytes.TrimSpace(raw))
		}
		return domain.DorisState(state), nil
	}
	return "", fmt.Errorf("ask for the state of label %s: sent from front end to front end", label)
}
