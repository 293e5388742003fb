package doris_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lineageTable = `CREATE TABLE ods.ODS_QL_JC_SSJC (hw_partition_id BIGINT NOT NULL, hw_offset_id BIGINT NOT NULL,
	sscsdm VARCHAR(16) NOT NULL, extract_time DATETIME(6) NOT NULL, record STRING NULL, city_partition_id BIGINT NOT NULL,
	city_offset_id BIGINT NOT NULL, city_ts DATETIME(3) NOT NULL, hw_ts DATETIME(3) NOT NULL)
	UNIQUE KEY(hw_partition_id, hw_offset_id) DISTRIBUTED BY HASH(hw_partition_id, hw_offset_id) BUCKETS 8
	PROPERTIES ("replication_num"="1","enable_unique_key_merge_on_write"="true")`

// standIn is a server and a client's view of it.
type standIn struct {
	*doris.Server
	t  testing.TB
	db *sql.DB
}

func open(t testing.TB, cfg doris.Config) *standIn {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	s, err := doris.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &standIn{s, t, connect(t, s, "root", "", "")}
}

// withTable is open with database ods and the lineage table.
func withTable(t testing.TB, cfg doris.Config) *standIn {
	t.Helper()
	s := open(t, cfg)
	s.exec("CREATE DATABASE ods")
	s.exec(lineageTable)
	return s
}

func connect(t testing.TB, s *doris.Server, user, password, db string) *sql.DB {
	t.Helper()
	return connectTo(t, s.MySQLAddr(), user, password, db)
}

func connectTo(t testing.TB, addr, user, password, db string) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName, cfg.InterpolateParams = user, password, "tcp", addr, db, true
	c, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(c)
	t.Cleanup(func() { _ = pool.Close() })
	return pool
}

func (s *standIn) exec(q string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(context.Background(), q, args...); err != nil {
		s.t.Fatalf("%.80s: %v", q, err)
	}
}

// rows are the cells of a result as text, NULL as "NULL".
func (s *standIn) rows(q string, args ...any) [][]string {
	s.t.Helper()
	all, err := s.tryRows(q, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", q, err)
	}
	return all
}

func (s *standIn) tryRows(q string, args ...any) ([][]string, error) { return rowsOf(s.db, q, args...) }

func rowsOf(db *sql.DB, q string, args ...any) ([][]string, error) {
	rows, err := db.QueryContext(context.Background(), q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for rows.Next() {
		cells, at := make([]sql.NullString, len(cols)), make([]any, len(cols))
		for i := range cells {
			at[i] = &cells[i]
		}
		if err := rows.Scan(at...); err != nil {
			return nil, err
		}
		row := make([]string, len(cols))
		for i, c := range cells {
			row[i] = c.String
			if !c.Valid {
				row[i] = "NULL"
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// answer is whatever came back over HTTP.
type answer struct {
	code   int
	header http.Header
	text   string
	err    error
}

func (a answer) decode(t testing.TB, v any) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if err := json.Unmarshal([]byte(a.text), v); err != nil {
		t.Fatalf("%s: %v", a.text, err)
	}
}

// call sends one request as root and follows nothing; header pairs come after the body.
func (s *standIn) call(method, target string, body io.Reader, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth("root", "")
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	tr := &http.Transport{ExpectContinueTimeout: time.Minute, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text), err}
}

type loadReply struct {
	TxnID     int64 `json:"TxnId"`
	Label     string
	TwoPhase  string `json:"TwoPhaseCommit"`
	Status    string
	Existing  string `json:"ExistingJobStatus"`
	Message   string
	Total     int64 `json:"NumberTotalRows"`
	Loaded    int64 `json:"NumberLoadedRows"`
	Filtered  int64 `json:"NumberFilteredRows"`
	LoadBytes int64
	ErrorURL  string
	First     string `json:"FirstErrorMsg"`
}

// load goes the whole way: front end, 307 followed by hand, back end. The defaults are a two-phase NDJSON load.
func (s *standIn) load(table, label, body string, header ...string) loadReply {
	s.t.Helper()
	h := append([]string{
		"Expect", "100-continue", "label", label, "format", "json", "read_json_by_line", "true", "two_phase_commit", "true",
	}, header...)
	path := "/api/ods/" + table + "/_stream_load"
	first := s.call("PUT", s.FEURL()+path, bytes.NewReader([]byte(body)), h...)
	if first.err != nil || first.code != http.StatusTemporaryRedirect {
		s.t.Fatalf("front end: %+v", first)
	}
	at, err := url.Parse(first.header.Get("Location"))
	if err != nil {
		s.t.Fatal(err)
	}
	at.User = nil
	second := s.call("PUT", at.String(), bytes.NewReader([]byte(body)), h...)
	var reply loadReply
	second.decode(s.t, &reply)
	return reply
}

type phaseReply struct{ Status, Msg string }

func (s *standIn) phase(op string, header ...string) phaseReply {
	s.t.Helper()
	var reply phaseReply
	s.call("PUT", s.BEURL()+"/api/ods/_stream_load_2pc", nil, append([]string{"txn_operation", op}, header...)...).decode(s.t, &reply)
	return reply
}

func (s *standIn) commit(id int64) phaseReply {
	s.t.Helper()
	return s.phase("commit", "txn_id", fmt.Sprint(id))
}

func (s *standIn) state(label string) string {
	s.t.Helper()
	var reply struct{ Data string }
	s.call("GET", s.FEURL()+"/api/ods/get_load_state?label="+label, nil).decode(s.t, &reply)
	return reply.Data
}

// until waits for a state of a label.
func (s *standIn) until(label, want string) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for got := s.state(label); got != want; got = s.state(label) {
		if time.Now().After(deadline) {
			s.t.Fatalf("label %s is %s, waited for %s", label, got, want)
		}
		<-tick.C
	}
}

// line is one row of the lineage table as the projection sends it.
func line(partition, offset int, record string) string {
	text, _ := json.Marshal(record)
	return fmt.Sprintf(`{"hw_partition_id":%d,"hw_offset_id":%d,"sscsdm":"320100","extract_time":"2024-05-01 12:00:00.123456",`+
		`"record":%s,"city_partition_id":%d,"city_offset_id":%d,"city_ts":"2024-05-01 12:00:00.120","hw_ts":"2024-05-01 12:00:01.500"}`+"\n",
		partition, offset, text, partition+1, offset+7)
}
