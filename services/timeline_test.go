package services_test

import (
	"bytes"
	"encoding/json"
	"errors"
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

	"github.com/hefu-io/hefu/domain"
	standin "github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/status"
	"github.com/hefu-io/hefu/services/timeline"
)

// timelineOf asks the running process.
func (w *world) timelineOf(v url.Values) (code int, last timeline.Told) {
	w.t.Helper()
	address, err := os.ReadFile(filepath.Join(w.cfg.DataDir, status.AddressFile))
	must(w.t, err)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+string(address)+"/v1/timeline?"+v.Encode(), nil)
	must(w.t, err)
	resp, err := http.DefaultClient.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	for lines := json.NewDecoder(resp.Body); resp.StatusCode == http.StatusOK; {
		var l timeline.Told
		err := lines.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		must(w.t, err)
		last = l
	}
	return resp.StatusCode, last
}

// happened are the lines of a story but for those that sum up: a look of the reconciler may be under
// way as the window ends.
func happened(s *timeline.Story) (out string) {
	for _, l := range s.Lines {
		if l.Counts == nil {
			out += fmt.Sprintln(l.At.UTC(), l.Event, l.What, l.Times, l.Ranges, l.Later)
		}
	}
	return out
}

// A hub transaction that the hub refuses, and a load that Doris refuses twice: told with their rows
// and what became of them, by the running process and from its journal alone.
func TestTimeline(t *testing.T) {
	w := newTroubled(t)
	ask := &timeline.Ask{From: domain.Micros(time.Now().UnixMicro()), Slow: time.Hour}
	w.start()
	w.feed("north", 0, 20) // offsets 0 to 9 of each partition, a marker, ten of an aborted transaction
	w.untilRows(40)
	w.refuseCommit()
	w.feed("north", 20, 2)
	w.untilRows(44)
	w.doris.Faults().Arm(standin.FailLoad, standin.Arming{Times: 2, Text: "no space left on the back end"})
	w.feed("south", 22, 2)
	w.untilRows(48)
	ask.To = domain.Micros(time.Now().UnixMicro())

	at := func(m domain.Micros) string { return time.UnixMicro(int64(m)).UTC().Format(time.RFC3339Nano) }
	asked := func(more ...string) url.Values {
		v := url.Values{"pipeline": {"bridge"}, "from": {at(ask.From)}, "to": {at(ask.To)}, "slow": {"1h"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, c := range []struct {
		v    url.Values
		want int
	}{{asked("pipeline", "other"), 404}, {asked("to", at(ask.From)), 422}, {asked("slow", "x"), 422}, {asked("from", "02:10"), 422}} {
		if code, _ := w.timelineOf(c.v); code != c.want {
			t.Errorf("%s: %d, want %d", c.v.Encode(), code, c.want)
		}
	}
	code, live := w.timelineOf(asked())
	if code != http.StatusOK || live.Story == nil {
		t.Fatalf("%d %+v", code, live)
	}
	w.end()

	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(t.Context(), w.cfg, log)
	must(t, err)
	defer store.Close()
	j, err := store.OpenJournal(t.Context(), w.cfg, "bridge", log)
	must(t, err)
	story, err := timeline.Tell(t.Context(), j, ask, nil)
	must(t, err)
	var said, again bytes.Buffer
	must(t, live.Story.Text(&said))
	must(t, story.Text(&again))
	if happened(live.Story) != happened(story) || live.Story.Verdict != story.Verdict {
		t.Errorf("the running process said\n%s\nthe journal says\n%s", &said, &again)
	}
	kinds := map[string]*timeline.Line{}
	for _, l := range story.Lines {
		if kinds[l.Kind] == nil {
			kinds[l.Kind] = l
		}
	}
	hub, load := kinds["HubAborted"], kinds["DorisAborted"]
	if hub == nil || load == nil {
		t.Fatalf("a refusal is not told:\n%s", &again)
	}
	if len(hub.Ranges) == 0 || hub.Ranges[0].City != "320100" || !strings.Contains(hub.Later, "carried by hub transaction hub@") || !strings.Contains(hub.Later, "; visible since ") {
		t.Errorf("%+v", hub)
	}
	if load.Times != 2 || len(load.Ranges) == 0 || load.Ranges[0].City != "320200" || !strings.HasPrefix(load.Later, "visible since ") {
		t.Errorf("%+v", load)
	}
	if !story.Good || story.Sums.Loaded != 48 || len(story.Blast) < 2 || !strings.Contains(story.Verdict, "All of them are visible in the table") {
		t.Errorf("%+v %s", story.Sums, story.Verdict)
	}
}
