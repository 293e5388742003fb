package services_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// lead is where the topics of a proofWorld begin: a few rows before the end of their first
// window, so that it closes soon.
const lead = domain.WindowSize - 36

// proofWorld is a city of one partition and a hub of one, with a reconciler that looks all the
// time.
type proofWorld struct {
	*world
	cluster *kfake.Cluster
}

func newProofWorld(t *testing.T) *proofWorld {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { // the last one: everything is closed
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "ODS", "north"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	w := &proofWorld{worldOn(t, k.ListenAddrs()), k}
	p := &w.cfg.Pipelines[0]
	p.Sources = p.Sources[:1]
	p.Reconcile.Interval, p.Reconcile.DorisPause = 20*time.Millisecond, 0
	p.Reconcile.CitySample = 100
	for _, topic := range []string{"ODS", "north"} {
		w.produce(topic, lead)
		w.cut(topic, lead)
	}
	return w
}

// produce sends n rows to partition 0 of a topic.
func (w *proofWorld) produce(topic string, n int) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(n+1))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	for i := range n {
		cl.Produce(w.t.Context(), &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d", i)}, nil)
	}
	if err := cl.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// cut lets a topic begin at an offset: retention.
func (w *proofWorld) cut(topic string, offset int64) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	var at kadm.Offsets
	at.Add(kadm.Offset{Topic: topic, At: offset})
	answer, err := kadm.NewClient(cl).DeleteRecords(w.t.Context(), at)
	if err == nil {
		err = answer.Error()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// table does a statement.
func (w *proofWorld) table(statement string) {
	w.t.Helper()
	db, err := sql.Open("mysql", "root@tcp("+w.cfg.Pipelines[0].Doris.MySQL[0]+")/ods")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), statement); err != nil {
		w.t.Fatal(err)
	}
}

// at is where the API is, empty while it is not there.
func (w *proofWorld) at(path string) string {
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	if err != nil {
		return ""
	}
	return "http://" + string(address) + path
}

// call asks the API; false: it is not there.
func (w *proofWorld) call(method, path string, in, out any) (code int) {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.at(path), bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode
}

// metrics are those of the proof.
func (w *proofWorld) metrics() string {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.at("/metrics"), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "hefu_proof_") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// until waits for a state of the proof.
func (w *proofWorld) until(what string, is func(*reconcile.State) bool) reconcile.State {
	w.t.Helper()
	var last []reconcile.State
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		var now []reconcile.State
		if w.call(http.MethodGet, "/v1/proof", nil, &now) == http.StatusOK && len(now) == 1 {
			if last = now; is(&now[0]) {
				return now[0]
			}
		}
		select {
		case err := <-w.done:
			w.t.Fatalf("%s: the process ended: %v", what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	w.t.Fatalf("%s: still %+v", what, last)
	return reconcile.State{}
}

// looks waits for so many looks more that came to their end.
func (w *proofWorld) looks(n int64) reconcile.State {
	w.t.Helper()
	first := int64(-1)
	return w.until("looks", func(st *reconcile.State) bool {
		if first < 0 {
			first = st.Looks - st.Failed
		}
		return st.Looks-st.Failed >= first+n
	})
}

// compared waits until so many rows are the same in city, hub and table.
func (w *proofWorld) compared(rows int64) reconcile.State {
	w.t.Helper()
	return w.until("rows compared", func(st *reconcile.State) bool {
		return st.Rows[domain.ProofCityHub] == rows && st.Rows[domain.ProofHubDoris] == rows
	})
}

// verified demands how many windows of each proof are.
func verified(t *testing.T, st reconcile.State, rows, loads int) {
	t.Helper()
	a, b := st.Windows[domain.ProofCityHub][domain.WindowVerified], st.Windows[domain.ProofHubDoris][domain.WindowVerified]
	if a != rows || b != loads {
		t.Errorf("%d and %d windows are verified, want %d and %d: %+v", a, b, rows, loads, st)
	}
}

// events are all events of control of a process that has ended.
func (w *proofWorld) events() (out []domain.Event) {
	w.t.Helper()
	withJournal(w.t, w.cfg, "bridge", func(j *journal.Journal) {
		control := domain.ControlStream("bridge")
		tail, err := j.Tail(w.t.Context(), control)
		if err != nil {
			w.t.Fatal(err)
		}
		r, err := j.Read(w.t.Context(), control, domain.Cursor{})
		if err != nil {
			w.t.Fatal(err)
		}
		defer r.Close()
		for seq := domain.Seq(0); seq < tail.Seq; seq++ {
			e, err := r.Next(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, e.Event)
		}
	})
	return out
}

// said are the windows and findings of all events, each of which has to say something new.
func (w *proofWorld) said() (windows []domain.WindowResult, findings []domain.Finding) {
	w.t.Helper()
	through := map[domain.Stream]domain.Seq{}
	for _, e := range w.events() {
		r, is := e.(*domain.Reconciled)
		if !is {
			continue
		}
		fresh := len(r.Windows)+len(r.Findings) > 0
		for _, to := range r.Through {
			fresh = fresh || to.Seq > through[to.Stream]
			through[to.Stream] = max(through[to.Stream], to.Seq)
		}
		if !fresh {
			w.t.Errorf("says nothing new: %+v", r)
		}
		windows, findings = append(windows, r.Windows...), append(findings, r.Findings...)
	}
	return windows, findings
}
