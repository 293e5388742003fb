package services_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// asks asks the running process for a report of everything.
func (w *world) asks() []byte {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	body, err := json.Marshal(reconcile.Ask{Pipeline: "bridge"})
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+string(address)+"/v1/reconcile", bytes.NewReader(body))
	must(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); ; {
		var l reconcile.Line
		switch err := lines.Decode(&l); {
		case err == io.EOF:
			w.t.Fatalf("no report, status %s", resp.Status)
		case err != nil:
			w.t.Fatal(err)
		case l.Error != "":
			w.t.Fatalf("no report: %s", l.Error)
		case l.File != nil:
			return l.File
		}
	}
}

// While rows flow, whoever looks gets a report that adds up and finds nothing: rows on their way
// are none that are missing. So do the looks of the process itself, which go on from one another.
func TestLooksUnderLoad(t *testing.T) {
	w := newWorld(t)
	p := &w.cfg.Pipelines[0]
	p.Reconcile.Interval, p.Reconcile.Report, p.Reconcile.DorisPause = 100*time.Millisecond, 300*time.Millisecond, time.Millisecond
	w.start()
	w.feed("north", 0, 20)
	w.untilRows(40)
	more := make(chan struct{}) // for each look some rows: what there is stays little
	var feeding sync.WaitGroup
	for _, topic := range []string{"north", "south"} {
		feeding.Go(func() {
			for n := 20; ; n += 20 {
				if _, open := <-more; !open {
					return
				}
				w.feed(topic, n, 20)
			}
		})
	}
	looks := 50
	if testing.Short() {
		looks = 10 // each takes long under the race detector
	}
	flowed, pending, late := false, int64(0), time.Now().Add(time.Minute)
	for rows, i := int64(0), 0; (i < looks || (!flowed || pending == 0) && time.Now().Before(late)) && !t.Failed(); i++ {
		select {
		case more <- struct{}{}:
		default:
		}
		v, err := report.Verify(w.asks())
		must(t, err)
		r := v.Report
		if r.Verdict != domain.Verified || len(r.Findings)+int(r.More) > 0 {
			t.Errorf("look %d: verdict %s: %s: %+v", i, r.Verdict, r.Why, some(r.Findings))
		}
		all := sum(r, "")
		flowed, rows = flowed || rows > 0 && all.Rows > rows, all.Rows
		pending += all.Pending + all.PendingDoris
	}
	close(more)
	feeding.Wait()
	if !flowed || pending == 0 {
		t.Errorf("rows flowed: %t; %d were on their way", flowed, pending)
	}
	kept := func() []string {
		files, err := filepath.Glob(filepath.Join(w.cfg.DataDir, report.Folder, "*.json"))
		must(t, err)
		return files
	}
	for deadline := time.Now().Add(time.Minute); len(kept()) < 3; {
		if time.Now().After(deadline) {
			t.Fatalf("%d reports are kept", len(kept()))
		}
	}
	w.end()
	for _, name := range kept() {
		file, err := os.ReadFile(name)
		must(t, err)
		v, err := report.Verify(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if r := v.Report; r.Verdict != domain.Verified || len(r.Findings) > 0 {
			t.Errorf("%s: verdict %s: %s: %+v", name, r.Verdict, r.Why, some(r.Findings))
		}
	}
	isVerified(t, prove(t, w.cfg, p))
}
