package services_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/explain"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/status"
)

// troubled is a world whose hub and Doris fail when they are told to.
type troubled struct {
	*world
	hub   *kfake.Cluster
	doris *standin.Server
}

func newTroubled(t *testing.T) *troubled {
	t.Helper()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(2, "north", "south"))
	must(t, err)
	t.Cleanup(k.Close)
	w := &troubled{world: worldOn(t, k.ListenAddrs()), hub: k}
	w.doris, err = standin.Open(t.Context(), standin.Config{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { _ = w.doris.Close() })
	d := w.cfg.Pipelines[0].Doris
	d.FE, d.MySQL = []string{w.doris.FEURL()}, []string{w.doris.MySQLAddr()}
	db, err := sql.Open("mysql", "root@tcp("+w.doris.MySQLAddr()+")/?interpolateParams=true")
	must(t, err)
	defer db.Close()
	for _, q := range []string{"CREATE DATABASE IF NOT EXISTS ods", ddl} {
		_, err := db.ExecContext(t.Context(), q)
		must(t, err)
	}
	return w
}

// refuseCommit makes the hub refuse the end of Hefu's next transaction.
func (w *troubled) refuseCommit() {
	w.hub.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, When: func(r kmsg.Request) bool {
		end, ok := r.(*kmsg.EndTxnRequest)
		return ok && end.TransactionalID == "hefu-bridge-0"
	}})
}

// northRow is the question about a row of the city north.
func northRow(offset int64) *explain.Question {
	return &explain.Question{City: "320100", Partition: 0, Offset: offset}
}

// offline asks the journal, with what hefu.yaml says of the lineage or without.
func (w *world) offline(q *explain.Question, withIndex bool) (*explain.Answer, []string) {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(w.t.Context(), w.cfg, log)
	must(w.t, err)
	defer store.Close()
	j, err := store.OpenJournal(w.t.Context(), w.cfg, "bridge", log)
	must(w.t, err)
	p := explain.Pipeline{Journal: j}
	if withIndex {
		p.Index = explain.IndexOf(&w.cfg.Pipelines[0])
	}
	a, notes, err := explain.Explain(w.t.Context(), []explain.Pipeline{p}, q)
	must(w.t, err)
	return a, notes
}

// online asks the running process.
func (w *world) online(query string) (code int, r explain.Report) {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+string(address)+"/v1/explain?"+query, nil)
	must(w.t, err)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(w.t, err)
	if resp.StatusCode == http.StatusOK {
		must(w.t, json.Unmarshal(body, &r))
	}
	return resp.StatusCode, r
}

func story(t *testing.T, a *explain.Answer) string {
	t.Helper()
	var b bytes.Buffer
	must(t, a.Text(&b))
	return b.String()
}

// tells demands that kinds of events stand in a story, in this order.
func tells(t *testing.T, a *explain.Answer, kinds ...string) {
	t.Helper()
	left := kinds
	for _, l := range a.Lines {
		if len(left) > 0 && l.Kind == left[0] {
			left = left[1:]
		}
	}
	if len(left) > 0 || !a.Found {
		t.Errorf("no %v in this order; missing from %s on:\n%s", kinds, strings.Join(left, " "), story(t, a))
	}
}

// A row that went through a retried transaction, one of an aborted load, and one of which the process
// ended between hub and table, each told by the running process and from its journal alone.
func TestExplain(t *testing.T) {
	w := newTroubled(t)
	w.start()
	w.feed("north", 0, 20) // offsets 0 to 9 of each partition, a marker, ten of an aborted transaction
	w.untilRows(40)

	w.refuseCommit()
	w.feed("north", 20, 2)
	w.untilRows(44)
	w.doris.Faults().Arm(standin.FailLoad, standin.Arming{Times: 1, Text: "no space left on the back end"})
	w.feed("north", 22, 2)
	w.untilRows(48)

	retried, aborted, restarted := int64(33), int64(39), int64(45)
	live := map[int64]string{}
	for _, offset := range []int64{5, retried, aborted} {
		code, r := w.online(fmt.Sprintf("city=320100&partition=0&offset=%d", offset))
		if code != http.StatusOK || len(r.Notes) > 0 || r.Answer == nil {
			t.Fatalf("offset %d: %d %+v", offset, code, r)
		}
		live[offset] = story(t, r.Answer)
	}
	for query, want := range map[string]int{"city=320100": 422, "hub=x": 422, "source=wuxi&partition=0&offset=0": 200, "partition=x&city=1": 422} {
		if code, r := w.online(query); code != want || r.Answer != nil && r.Answer.Found {
			t.Errorf("%s: %d %+v, want %d", query, code, r.Answer, want)
		}
	}

	w.doris.Faults().Arm(standin.FEError, standin.Arming{})
	w.feed("north", 24, 2)
	w.untilInHub(restarted)
	w.end()
	w.doris.Faults().Disarm()
	w.start()
	w.untilRows(52)
	w.end()

	for offset, before := range live {
		if a, _ := w.offline(northRow(offset), false); story(t, a) != before {
			t.Errorf("offset %d: the running process said\n%s\nthe journal says\n%s", offset, before, story(t, a))
		}
	}
	a, _ := w.offline(northRow(retried), false)
	tells(t, a, "Started", "SourceOpened", "Ingested", "HubBegun", "HubAborted", "HubBegun", "HubCommitted", "DorisBegun", "DorisPrepared", "DorisCommitted")
	byHub, _ := w.offline(&explain.Question{Partition: -1, Offset: -1, Hub: fmt.Sprintf("%d:%d", a.Hub.Partition, a.Hub.Offset)}, false)
	if story(t, byHub) != strings.Replace(story(t, a), a.Asked, byHub.Asked, 1) {
		t.Errorf("asked by its place in the hub:\n%s", story(t, byHub))
	}
	a, _ = w.offline(northRow(aborted), false)
	tells(t, a, "Ingested", "HubBegun", "HubCommitted", "DorisBegun", "DorisAborted", "DorisBegun", "DorisPrepared", "DorisCommitted")
	load, _ := w.offline(&explain.Question{Partition: -1, Offset: -1, Txn: a.Doris.Txn}, false)
	if !load.Found || load.Batch.Label != a.Doris.Label || load.Batch.Rows < 1 {
		t.Errorf("asked by its transaction: %+v", load)
	}
	a, _ = w.offline(northRow(restarted), false)
	tells(t, a, "Started", "Ingested", "HubBegun", "HubCommitted", "Started", "Opened", "DorisCommitted")
	for offset, want := range map[int64]string{10: "with reason commit_marker", 15: "with reason aborted", 4711: "was not journaled yet"} {
		if a, _ := w.offline(northRow(offset), false); a.Found || !strings.Contains(a.State, want) {
			t.Errorf("offset %d: %t %q, want %q", offset, a.Found, a.State, want)
		}
	}
}

// untilInHub waits until the hub has a row of the city north.
func (w *world) untilInHub(offset int64) {
	w.t.Helper()
	v := url.Values{"source": {"north"}, "partition": {"0"}, "offset": {fmt.Sprint(offset)}}
	deadline := time.Now().Add(60 * time.Second)
	for {
		_, r := w.online(v.Encode())
		if r.Answer != nil && r.Answer.Hub != nil {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("offset %d is not in the hub: %+v", offset, r.Answer)
		}
	}
}

// On a real ClickHouse: the lineage finds the row, and the text is the journal's. With a ClickHouse
// that does not answer it is the same too, and the notes say why.
func TestExplainFromClickHouse(t *testing.T) {
	address, own, err := clickhouse.ForTests(t.Context(), t.TempDir())
	if clickhouse.Skips(err) {
		t.Skipf("SKIPPED: %v", err)
	}
	must(t, err)
	if own != nil {
		t.Cleanup(func() { _ = own.Stop() })
	}
	w := newTroubled(t)
	l := w.withLineage(address)
	l.Database = "hefu_explain"
	w.start()
	w.refuseCommit()
	w.feed("north", 0, 20)
	w.untilRows(40)
	w.untilIndexed()
	w.end()
	row, _ := w.offline(northRow(5), false)
	for _, q := range []*explain.Question{northRow(5), {Partition: -1, Offset: -1, Hub: fmt.Sprintf("%d:%d", row.Hub.Partition, row.Hub.Offset)}} {
		want, _ := w.offline(q, false)
		got, notes := w.offline(q, true)
		if story(t, got) != story(t, want) || len(notes) > 0 || !got.Found {
			t.Errorf("%s: from ClickHouse\n%s%q\nfrom the journal\n%s", q, story(t, got), notes, story(t, want))
		}
		l.Addresses = []string{"127.0.0.1:1"}
		got, notes = w.offline(q, true)
		if story(t, got) != story(t, want) || len(notes) != 1 {
			t.Errorf("%s: without ClickHouse\n%s%q", q, story(t, got), notes)
		}
		l.Addresses = []string{address}
	}
}

// untilIndexed waits until the lineage holds a row: no note says otherwise.
func (w *world) untilIndexed() {
	w.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		code, r := w.online("city=320100&partition=0&offset=5")
		if code == http.StatusOK && len(r.Notes) == 0 && r.Answer.Found {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("the lineage has no such row: %d %+v", code, r)
		}
	}
}
