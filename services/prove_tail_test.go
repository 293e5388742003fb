package services_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// findings are those that the running process has on control.
func (w *world) findings() (out []domain.Finding) {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+string(address)+"/v1/findings", nil)
	must(w.t, err)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	var list []reconcile.FindingReport
	must(w.t, json.NewDecoder(resp.Body).Decode(&list))
	for i := range list {
		out = append(out, list[i].Finding.Domain())
	}
	return out
}

// endsAt is the tape as it was when the log ended with an earlier batch.
func (p *tape) endsAt(batch int) *tape {
	out := *p
	out.batches = slices.Clone(p.batches[:batch])
	out.end, out.stable = p.batches[batch].first, p.batches[batch].first
	return &out
}

// lostBehind are the findings that are wanted of a tape's rows behind an end: for each partition of
// a city the first row.
func lostBehind(t *testing.T, p *tape, end int64) (want []string) {
	t.Helper()
	seen := map[string]bool{}
	for i := range p.batches {
		b := &p.batches[i]
		if b.first < end || !p.data(b) {
			continue
		}
		h, list := b.records(t)
		for _, r := range list {
			var says struct {
				City      domain.City `json:"sscsdm"`
				Partition int32       `json:"city_partition_id"`
				Offset    int64       `json:"city_offset_id"`
			}
			must(t, json.Unmarshal(r.Value, &says))
			f := domain.Finding{Class: domain.Lost, Where: "hub", Source: sourceCode(says.City), Generation: 1, City: says.City}
			key := said(&f) + string('0'+says.Partition)
			if seen[key] {
				continue
			}
			seen[key] = true
			f.Row.City = domain.Coord{Partition: says.Partition, Offset: says.Offset}
			f.Row.Hub = domain.Coord{Partition: p.partition, Offset: h.FirstOffset + int64(r.OffsetDelta)}
			want = append(want, said(&f))
		}
	}
	slices.Sort(want)
	return want
}

// A hub that lost its end is told by the running process, which has seen its rows before, by the
// one that is started after it, and by whoever looks without one: which rows of which city, and
// that nothing else is wrong.
func TestHubLostItsTail(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(4, "ODS"), kfake.SeedTopics(2, "north", "south"))
	must(t, err)
	t.Cleanup(k.Close)
	w, tapes := worldOn(t, k.ListenAddrs()), playFor(k)
	p := &w.cfg.Pipelines[0]
	p.Reconcile.Interval = 50 * time.Millisecond
	w.start()
	for i := range 5 {
		w.feed("north", 20*i, 20)
		w.feed("south", 20*i, 20)
		w.untilRows(80 * (i + 1))
	}
	w.asks()
	tapes.load(t, w.kafka, "ODS")
	var want []string
	var cut []*tape
	for _, h := range []int32{0, 1} {
		whole := tapes.was("ODS", h)
		short := whole.endsAt(len(whole.batches) / 2)
		cut = append(cut, short)
		want = append(want, lostBehind(t, whole, short.end)...)
	}
	slices.Sort(want)
	if len(want) < 2 {
		t.Fatalf("nothing is to be lost: %v", want)
	}
	if got := w.findings(); len(got) > 0 {
		t.Fatalf("found before anything was wrong: %+v", got)
	}
	undo := tapes.play(cut...)
	var got []string
	for deadline := time.Now().Add(time.Minute); len(got) < len(want) && time.Now().Before(deadline); {
		got = nil
		for _, f := range w.findings() {
			got = append(got, said(&f))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the process (-want +got):\n%s", diff)
	}
	w.end()
	r := prove(t, w.cfg, p)
	if diff := cmp.Diff(want, found(r)); diff != "" || r.Verdict != domain.Diverged {
		t.Errorf("offline, verdict %s: %s (-want +got):\n%s", r.Verdict, r.Why, diff)
	}
	if n := ofOthers(r); n == 0 {
		t.Error("nothing is said of what the table has of it")
	}
	for i := range r.Windows {
		if w := &r.Windows[i]; w.Proof == domain.ProofHubDoris && w.State == domain.WindowDiverged {
			t.Errorf("the table is blamed: %+v", w)
		}
	}
	undo()
	isVerified(t, prove(t, w.cfg, p))
}

// hubRows are n rows of a city as its job writes them into a partition of the hub.
func (w *world) hubRows(h int32, first, n int) {
	w.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, err)
	defer cl.Close()
	zone, err := time.LoadLocation(w.cfg.Pipelines[0].Timezone)
	must(w.t, err)
	format := flink.NewRowFormat(zone)
	for i := range n {
		r := &flink.Row{
			City: "320100", ExtractTime: time.Now().UnixMicro(), Record: fmt.Appendf(nil, `{"n":%d}`, first+i),
			CityPartition: h, CityOffset: int64(first + i), CityTimestamp: time.Now().UnixMilli(),
		}
		must(w.t, cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: "ODS", Partition: h, Value: format.AppendHubJSON(nil, r)}).FirstErr())
	}
}

// A pipeline that reads the hub topic goes on with one that was made anew as another generation.
// Until somebody says that it is one, nothing is checked and what to do is said; then its own rows
// are verified, and those of before are not checked.
func TestDirectHubMadeAnew(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "ODS"))
	must(t, err)
	t.Cleanup(k.Close)
	w := worldOn(t, k.ListenAddrs())
	p := &w.cfg.Pipelines[0]
	p.Sources, p.ReadHub = nil, &config.ReadHub{Reading: config.DefaultReading()}
	p.Reconcile.Interval = 50 * time.Millisecond
	db, err := sql.Open("mysql", "root@tcp("+p.Doris.MySQL[0]+")/ods")
	must(t, err)
	defer db.Close()
	for _, q := range []string{"DROP TABLE ods.ODS_QL_JC_SSJC", nullable()} {
		_, err = db.ExecContext(t.Context(), q)
		must(t, err)
	}
	w.hubRows(0, 0, 30)
	w.hubRows(1, 0, 20)
	w.start()
	w.untilRows(50)
	w.end()
	isVerified(t, prove(t, w.cfg, p))
	w.deleteTopic("ODS")
	w.makeTopic("ODS", 2)
	w.hubRows(0, 100, 10)
	if r := prove(t, w.cfg, p); r.Verdict != domain.NotChecked || !strings.Contains(r.Why, "hefu incidents") {
		t.Errorf("verdict %s: %s: %v", r.Verdict, r.Why, found(r))
	}
	w.start()
	w.isNewGeneration()
	w.hubRows(0, 110, 35) // more than there was
	w.untilRows(65)
	w.end()
	r := prove(t, w.cfg, p)
	c := covered(r, domain.ProofHubDoris)
	if r.Verdict != domain.NotChecked || !strings.Contains(r.Why, "of generation 1") || len(r.Findings) > 0 || c.Verified != 45 {
		t.Errorf("verdict %s: %s: %+v, %v", r.Verdict, r.Why, c, found(r))
	}
}
