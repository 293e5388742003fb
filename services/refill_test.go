package services_test

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/devstack/kafka"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// refillWorld is an engine of two shards whose hub can lose the end of a partition.
type refillWorld struct {
	*life
	broker *kafka.Server
	config string                     // the configuration in a file, for a process that is killed
	before map[int32]map[int64]string // the hub's rows by partition and offset, as readers saw them
}

var toLiveTopic = domain.PlanTarget{Kind: domain.TargetTopic, Mode: domain.ModeFillMissing}

func newRefillWorld(t *testing.T) *refillWorld {
	t.Helper()
	whole(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	broker, err := kafka.Open(t.Context(), kafka.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { must(t, broker.Close()) })
	w := worldOn(t, []string{broker.Addr()})
	w.makeTopic("ODS", 4)
	w.makeTopic("north", 2)
	w.makeTopic("south", 2)
	p := &w.cfg.Pipelines[0]
	p.Shards, p.Hub.Batch.Rows, p.Reconcile.Interval = 2, 50, time.Second
	r := &refillWorld{life: &life{engine: newEngine(t, w), op: operator{w}}, broker: broker, config: filepath.Join(t.TempDir(), "hefu.yaml")}
	text, err := yaml.Marshal(w.cfg)
	must(t, err)
	must(t, os.WriteFile(r.config, text, 0o600))
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

// brings feeds rows and waits until the table has all that came so far.
func (r *refillWorld) brings(n int) {
	r.t.Helper()
	r.feed("north", 100*n, 100)
	r.feed("south", 100*n, 100)
	r.untilRows(400 * (n + 1))
}

// abortsInHub has somebody else abort a transaction in a partition of the hub.
func (r *refillWorld) abortsInHub(h int32, rows int) {
	r.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.kafka...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID("somebody"))
	must(r.t, err)
	defer cl.Close()
	must(r.t, cl.BeginTransaction())
	for range rows {
		must(r.t, cl.ProduceSync(r.t.Context(), &kgo.Record{Topic: "ODS", Partition: h, Value: []byte("aborted")}).FirstErr())
	}
	must(r.t, cl.EndTransaction(r.t.Context(), kgo.TryAbort))
}

// hubNow is what a read_committed reader sees of the hub: each record whole.
func (r *refillWorld) hubNow() map[int32]map[int64]string {
	r.t.Helper()
	out := map[int32]map[int64]string{}
	r.committed("ODS", func(one *kgo.Record) {
		if out[one.Partition] == nil {
			out[one.Partition] = map[int64]string{}
		}
		out[one.Partition][one.Offset] = fmt.Sprintf("%d %q %q %v", one.Timestamp.UnixMilli(), one.Key, one.Value, one.Headers)
	})
	return out
}

// loses has the hub lose the ends of partitions, each from about its nth row on, while no process
// runs. It gives how many rows are gone, and how many offsets that have none.
func (r *refillWorld) loses(nth map[int32]int) (rows, empty int64) {
	r.t.Helper()
	r.stop()
	r.before = r.hubNow()
	for h, n := range nth {
		at := slices.Sorted(maps.Keys(r.before[h]))
		end, err := r.broker.Cut(r.t.Context(), "ODS", h, at[n])
		must(r.t, err)
		left, _ := slices.BinarySearch(at, end)
		rows += int64(len(at) - left)
		empty += at[len(at)-1] + 1 - end - int64(len(at)-left)
	}
	r.start()
	return rows, empty
}

// lacks is how many rows of before the hub does not have.
func (r *refillWorld) lacks() (rows int64) {
	r.t.Helper()
	now := r.hubNow()
	for h, all := range r.before {
		rows += int64(len(all) - len(now[h]))
	}
	return rows
}

// isStanding waits until the hub legs of so many shards stand still, and gives the incidents.
func (r *refillWorld) isStanding(shards int) (list []status.IncidentReport) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		if list = r.isOpen(); len(list) == shards {
			return list
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("incidents: %+v", list)
		}
	}
}

// killedOnTheWay has processes go on with a replay, each of which is killed once it carried some.
func (r *refillWorld) killedOnTheWay(id domain.PlanID, times int) {
	r.t.Helper()
	for range times {
		child := exec.CommandContext(r.t.Context(), os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), configOfChild+"="+r.config)
		child.Stderr = os.Stderr
		must(r.t, child.Start())
		r.works(id)
		pause := time.NewTimer(time.Duration(rand.IntN(300)) * time.Millisecond)
		<-pause.C // it is in the middle of something
		must(r.t, child.Process.Kill())
		_ = child.Wait() // killed
	}
}

// works waits until a process has carried some of a replay's rows, if there are any left.
func (r *refillWorld) works(id domain.PlanID) {
	r.t.Helper()
	r.op.until(id, "carried in part", func(s *replay.Shown) bool {
		return s.Progress != nil && s.Progress.Rows > 0 || s.State != domain.PlanRunning
	})
}

// resolves types what a replay that is done says is next: so many commands, after which nothing
// waits any more. A process that was started when the rows of a shard were back needs none.
func (r *refillWorld) resolves(done *replay.Shown) (commands int) {
	r.t.Helper()
	for c := range strings.Lines(done.Moves[len(done.Moves)-1].Next) {
		commands++
		for _, in := range r.isOpen() {
			if !strings.HasPrefix(c, "hefu incidents resolve "+in.ID[:12]+" --choice retry ") {
				continue
			}
			resp, err := r.op.says(http.MethodPost, "/v1/incidents/"+in.ID+"/resolve", status.Resolution{Choice: string(domain.ChoiceRetry), Who: "qian", Why: "filled in"})
			must(r.t, err)
			text, _ := io.ReadAll(resp.Body)
			must(r.t, resp.Body.Close())
			if resp.StatusCode != http.StatusOK {
				r.t.Fatalf("%s: %s: %s", c, resp.Status, text)
			}
		}
	}
	if list := r.isOpen(); len(list) > 0 {
		r.t.Errorf("still open: %+v", list)
	}
	return commands
}

// isOpen are the incidents by which legs stand still.
func (r *refillWorld) isOpen() (list []status.IncidentReport) {
	now, _ := r.report()
	for _, p := range now.Pipelines {
		list = append(list, p.Incidents...)
	}
	return list
}

// has demands that the hub has each row of before where it was, and behind them only rows that
// came since.
func (r *refillWorld) has(since int) {
	t := r.t
	t.Helper()
	now := r.hubNow()
	more := 0
	for h, rows := range r.before {
		end := int64(0)
		for o := range rows {
			end = max(end, o+1)
		}
		got := map[int64]string{}
		for o, one := range now[h] {
			if o < end {
				got[o] = one
			} else {
				more++
			}
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Errorf("hub partition %d:\n%s", h, diff)
		}
	}
	if more != since {
		t.Errorf("%d rows behind those of before, want %d", more, since)
	}
}

// stillHas demands of the table the rows of before, cell by cell.
func (r *refillWorld) stillHas(before [][9]string) {
	r.t.Helper()
	now := map[[9]string]bool{}
	for _, c := range r.rows() {
		now[c] = true
	}
	for _, c := range before {
		if !now[c] {
			r.t.Errorf("the table had %q", c)
		}
	}
}

// isFound waits until a look has found that rows are lost.
func (r *refillWorld) isFound() {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); len(r.findings()) == 0; {
		if time.Now().After(deadline) {
			r.t.Fatal("no look finds that rows are lost")
		}
	}
}

// The ends of three hub partitions are lost. The dry run says how many rows that is; a replay that
// is cancelled on the way leaves a shorter loss, and the next one, whose processes are killed, puts
// the rest back: every row is where it was, and those of the table, which had them all the time, are
// not touched. What came meanwhile goes on behind them.
func TestRefill(t *testing.T) {
	r := newRefillWorld(t)
	for n := range 5 {
		r.brings(n)
		if n == 2 {
			r.abortsInHub(2, 5)
		}
	}
	_, err := r.op.plans(domain.PlanScope{}, toLiveTopic)
	if err == nil || !strings.Contains(err.Error(), "nothing is missing: each partition of topic ODS goes up to its last committed row, 2,000 rows in all") {
		t.Errorf("of a hub that is whole: %v", err)
	}
	table := r.rows()
	rows, empty := r.loses(map[int32]int{0: 150, 2: 100, 3: 200})
	r.isStanding(2)
	r.feed("north", 500, 100) // waits in the journal
	r.feed("south", 500, 100)

	first := r.planned(rows, empty)
	r.op.approves(first)
	r.op.carries(first.ID)
	r.op.may(first.ID, replay.Cancel, replay.Decision{})
	r.op.idle(first.ID)
	rest := r.lacks()
	if rest == 0 || rest >= rows {
		t.Fatalf("cancelled when %d rows of %d were left", rest, rows)
	}
	second := r.planned(rest, -1)
	r.op.approves(second)
	r.works(second.ID)
	r.stop()
	r.killedOnTheWay(second.ID, 3)
	r.start()
	r.op.until(second.ID, "known again", func(*replay.Shown) bool { return true })
	r.op.decides(second.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}}) // unless it is done
	done := r.op.isDone(second.ID)
	if v := r.kept(&done); v != nil && (v.Report.Verdict != domain.Verified || v.Report.Scope.Plan.Rows != rest) {
		t.Errorf("report %+v %s", v.Report.Scope.Plan, v.Report.Verdict)
	}
	r.resolves(&done)
	r.untilRows(2400)
	r.has(400)
	r.stillHas(table)
	r.once(2400)
}

// once loses one end more, whose rows a replay that nobody disturbs puts back; the leg stands still
// until the operator says what the replay says is next.
func (r *refillWorld) once(all int) {
	t := r.t
	t.Helper()
	table := r.rows()
	rows, empty := r.loses(map[int32]int{3: 120})
	in := r.isStanding(1)[0]
	if !slices.ContainsFunc(in.Evidence, func(f domain.Fact) bool { return strings.Contains(f.Value, "--into topic --fill-missing") }) {
		t.Errorf("the incident does not say what to do: %+v", in.Evidence)
	}
	r.isFound()
	plan := r.planned(rows, empty)
	r.op.may(plan.ID, replay.Approve, replay.Decision{Digest: &plan.Digest})
	r.op.decides(plan.ID, replay.Limit, replay.Decision{Limits: &domain.PlanLimits{}}) // unless it is done
	done := r.op.isDone(plan.ID)
	if n := r.resolves(&done); n != 1 {
		t.Errorf("%d commands are next", n)
	}
	r.brings(all / 400)
	r.has(400)
	r.stillHas(table)
	r.isProven()
}

// planned plans to fill in what is lost, slowly, and demands that the dry run says so many rows.
func (r *refillWorld) planned(rows, empty int64) *replay.Shown {
	t := r.t
	t.Helper()
	plan, err := r.op.asks(replay.Ask{Target: toLiveTopic, Limits: domain.PlanLimits{Rows: 50}})
	must(t, err)
	all := int64(0)
	for _, of := range r.before {
		all += int64(len(of))
	}
	if e := plan.Plan.Expect; e.Rows != rows || e.Present != all-rows {
		t.Errorf("the dry run says %+v of lanes %+v, %d rows are lost", e, plan.Plan.Lanes, rows)
	}
	if want := fmt.Sprintf("of which no reader sees anything: %d in all", empty); empty >= 0 && !strings.Contains(strings.Join(plan.Plan.Notes, "\n"), want) {
		t.Errorf("no note %q in %q", want, plan.Plan.Notes)
	}
	return plan
}

// isProven demands that a look at everything finds nothing wrong, while what the looks found when
// the rows were gone stays on the list.
func (r *refillWorld) isProven() {
	t := r.t
	t.Helper()
	v, err := report.Verify(r.asks())
	must(t, err)
	isVerified(t, v.Report)
	list := r.findings()
	for _, f := range list {
		if f.Class != domain.Lost || f.Where != "hub" || !strings.Contains(f.Detail, "the tail") {
			t.Errorf("found %+v", f)
		}
	}
	if len(list) == 0 {
		t.Error("that rows were lost is not on the list")
	}
}
