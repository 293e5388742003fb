package services_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *logged) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(b)
}

func (k *logged) count(text string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Count(k.text.String(), text)
}

// startLogging starts the app and keeps what it logs.
func (w *proofWorld) startLogging() *logged {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop, w.done = cancel, make(chan error, 1)
	log := &logged{}
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	go func() { w.done <- services.Run(ctx, w.cfg, role, slog.New(slog.NewTextHandler(log, nil))) }()
	return log
}

// load sends rows until it is told to stop, which gives their number.
func (w *proofWorld) load() (stop func() int) {
	done, sent := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { sent <- n }()
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				w.produce("north", 20)
				n += 20
			}
		}
	}()
	return func() int { close(done); return <-sent }
}

// Rows in flight are never findings: not while the hub leg cannot commit and cities go on, and
// not while Doris is away, of which the looks say that they failed, once: in the words of whatever
// they were at, which may be the comparing, then the beginning of a look, then that of a new watch.
func TestProofUnderTrouble(t *testing.T) {
	w := newProofWorld(t)
	log := w.startLogging()
	stop := w.load()
	w.until("rows compared under load", func(st *reconcile.State) bool { return st.Rows[domain.ProofHubDoris] > 100 })

	var held atomic.Bool
	held.Store(true)
	w.cluster.ControlKey(int16(kmsg.EndTxn), func(r kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		if !held.Load() {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.EndTxnResponse)
		answer.ErrorCode = kerr.ConcurrentTransactions.Code
		return answer, nil, true
	})
	if st := w.looks(10); len(st.Findings) > 0 || st.Failed > 0 {
		t.Errorf("with the hub leg held: %+v", st)
	}
	held.Store(false)

	if err := w.doris.StopFE(0); err != nil {
		t.Fatal(err)
	}
	failed := w.until("looks that fail", func(st *reconcile.State) bool { return st.Failed >= 5 && st.Error != "" })
	if n := log.count("look of the reconciler failed"); n < 1 || n > 3 {
		t.Errorf("%d failed looks were logged %d times: %s", failed.Failed, n, failed.Error)
	}
	before := failed.Rows[domain.ProofHubDoris]
	if st := w.until("one more", func(st *reconcile.State) bool { return st.Failed > failed.Failed }); st.Rows[domain.ProofHubDoris] != before {
		t.Errorf("%d rows are compared without Doris, were %d", st.Rows[domain.ProofHubDoris], before)
	}
	if err := w.doris.StartFE(0); err != nil {
		t.Fatal(err)
	}
	w.looks(3)
	rows := int64(stop())
	st := w.compared(rows)
	if w.looks(3); len(st.Findings) > 0 || st.Error != "" {
		t.Errorf("%+v", st)
	}
	w.end()
	windows, findings := w.said()
	for _, r := range windows {
		if r.State != domain.WindowVerified {
			t.Errorf("said %+v", r)
		}
	}
	if len(findings) > 0 {
		t.Errorf("said %+v", findings)
	}
	isVerified(t, prove(t, w.cfg, &w.cfg.Pipelines[0]))
}

// ask asks for a look and gives its lines. Ending the context goes away in the middle.
func (w *proofWorld) ask(ctx context.Context, ask *reconcile.Ask, each func(*reconcile.Line)) (last reconcile.Line, err error) {
	body, err := json.Marshal(ask)
	if err != nil {
		return last, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.at("/v1/reconcile"), bytes.NewReader(body))
	if err != nil {
		return last, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return last, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return last, errors.New(resp.Status)
	}
	lines := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var l reconcile.Line
		if err := lines.Decode(&l); errors.Is(err, io.EOF) {
			return last, nil
		} else if err != nil {
			return last, err
		}
		if last = l; each != nil {
			each(&l)
		}
	}
}

// Two who ask at once get a report each; what is to be kept is kept. A pipeline that is not
// there is said so, and a table that is away ends the answer with an error.
func TestProofAsked(t *testing.T) {
	w := newProofWorld(t)
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	var both sync.WaitGroup
	answers := make([]reconcile.Line, 2)
	for i := range answers {
		both.Go(func() {
			steps := 0
			var err error
			answers[i], err = w.ask(t.Context(), &reconcile.Ask{Pipeline: "bridge", Deep: i == 0, Keep: i == 0}, func(l *reconcile.Line) { steps++ })
			if err != nil || steps < 3 {
				t.Errorf("%d lines, %v", steps, err)
			}
		})
	}
	both.Wait()
	for i, l := range answers {
		v, err := report.Verify(l.File)
		if err != nil {
			t.Fatalf("%v: %s", err, l.Error)
		}
		isVerified(t, v.Report)
		if c := covered(v.Report, report.CityJournal); (i == 0) != (l.Name != "") || c.Verified != 100 {
			t.Errorf("kept as %q, %+v", l.Name, c)
		}
	}
	list, err := report.InFolder(filepath.Join(w.cfg.DataDir, report.Folder)).List()
	if err != nil || len(list) != 1 || list[0].Name != answers[0].Name {
		t.Errorf("kept %+v, %v", list, err)
	}
	if _, err := w.ask(t.Context(), &reconcile.Ask{Pipeline: "other"}, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v", err)
	}
	if err := w.doris.StopFE(0); err != nil {
		t.Fatal(err)
	}
	l, err := w.ask(t.Context(), &reconcile.Ask{Pipeline: "bridge"}, nil)
	if err != nil || l.Error == "" || len(l.File) > 0 {
		t.Errorf("without Doris: %+v %v", l, err)
	}
	w.end()
}

// slow is a world whose hub takes minutes to be read by the reconciler.
func slow(t *testing.T) (*proofWorld, *logged) {
	t.Helper()
	w := newProofWorld(t)
	w.cfg.Pipelines[0].Reconcile.KafkaBytes = 10
	log := w.startLogging()
	w.produce("north", 200)
	w.untilRows(200)
	return w, log
}

// ends demands that the app ends before it is given up on.
func (w *proofWorld) ends(log *logged) {
	w.t.Helper()
	w.end()
	if log.count("stop was not clean") > 0 {
		w.t.Error("it was given up on")
	}
}

// A stop ends a look in the middle of a long scan.
func TestProofStopsInAScan(t *testing.T) {
	w, log := slow(t)
	w.ends(log)
}

// A client that goes away ends its look, and a stop those of the others.
func TestProofAskerGoesAway(t *testing.T) {
	w, log := slow(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.ask(ctx, &reconcile.Ask{Pipeline: "bridge"}, func(l *reconcile.Line) {
		if strings.HasPrefix(l.Step, "reading hub") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	reading, other := make(chan struct{}), make(chan error, 1)
	go func() {
		last, err := w.ask(t.Context(), &reconcile.Ask{Pipeline: "bridge"}, func(l *reconcile.Line) {
			if strings.HasPrefix(l.Step, "reading hub") {
				close(reading)
			}
		})
		if err == nil && last.Error == "" {
			err = errors.New("it was answered")
		} else {
			err = nil
		}
		other <- err
	}()
	<-reading
	w.ends(log)
	if err := <-other; err != nil {
		t.Error(err)
	}
}

// The looks write reports, which a verifier takes; one that was made after a restart too, with
// what was verified before.
func TestProofKeepsReports(t *testing.T) {
	w := newProofWorld(t)
	w.cfg.Pipelines[0].Reconcile.Report = config.DefaultReconcile().DorisPause // a moment
	w.start()
	w.produce("north", 100)
	w.untilRows(100)
	w.compared(100)
	before := w.until("a report", func(st *reconcile.State) bool { return st.Report != "" })
	w.end()
	w.start()
	folder := report.InFolder(filepath.Join(w.cfg.DataDir, report.Folder))
	w.until("a report after a restart", func(st *reconcile.State) bool {
		if st.Report == "" || st.Report == before.Report || st.Rows[domain.ProofHubDoris] != 100 {
			return false
		}
		v, name, err := folder.Last("bridge")
		if err != nil || v == nil {
			t.Fatalf("%s: %v", name, err)
		}
		c := covered(v.Report, report.CityJournal)
		return len(v.Report.Hub) == 1 && v.Report.Hub[0].Rows == 100 && v.Report.Verdict == domain.Verified && c.Verified > 0 && covered(v.Report, domain.ProofHubDoris).Verified == 100 && v.Report.Previous != nil
	})
	w.end()
}
