package timeline_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dawn is when the tapes begin: three minutes before the window, which begins at 02:10 in Shanghai.
func dawn() time.Time { return time.Date(2026, 1, 1, 18, 7, 0, 0, time.UTC) }

// tape is a journal in memory that is written by its own writers, at times of our choosing.
type tape struct {
	t       *testing.T
	store   *journal.Memory
	j       *journal.Journal
	control *journal.Control
	now     time.Time
	c       domain.PipelineConfig
	conf    domain.Seq
	owner   domain.Seq
	writers map[domain.Leg]*journal.Writer
	at      []domain.Position
	txn     int64

	fetched []domain.Ref // not in the hub yet
	runs    map[domain.Seq][]domain.Run
	inHub   []domain.Ref // not in the table yet
	rows    map[domain.Seq]int64
	ends    map[int32]int64
	carried map[domain.Leg]domain.Seq // of the leg before
}

// usual is a pipeline of two cities, one with two partitions.
func usual() domain.PipelineConfig {
	return domain.PipelineConfig{
		Timezone: "Asia/Shanghai", HubTopic: "ODS", HubPartitions: 4, Shards: 1, Table: "ods.ODS_QL_JC_SSJC",
		Sources: []domain.SourceConfig{{ID: "nanjing", City: "320100", Topic: "QL"}, {ID: "suzhou", City: "320500", Topic: "QL", Base: 2}},
	}
}

func newTape(t *testing.T, c domain.PipelineConfig) *tape {
	t.Helper()
	s := &tape{
		t: t, store: journal.NewMemory(), now: dawn(), c: c, writers: map[domain.Leg]*journal.Writer{}, runs: map[domain.Seq][]domain.Run{},
		rows: map[domain.Seq]int64{}, ends: map[int32]int64{}, carried: map[domain.Leg]domain.Seq{},
	}
	var err error
	s.j, err = journal.Open(t.Context(), "bridge", journal.Options{Store: s.store, Now: func() time.Time { return s.now }})
	must(t, err)
	s.control, err = s.j.OpenControl(t.Context())
	must(t, err)
	s.conf = s.say(&domain.PipelineConfigured{Config: c, Digest: journal.ConfigDigest(&c)}).Seq
	return s
}

// usualTape is one with a process and open sources.
func usualTape(t *testing.T) *tape {
	t.Helper()
	s := newTape(t, usual())
	s.process("host-1", domain.LegIngest, domain.LegHub, domain.LegDoris)
	s.open("nanjing", 1, 0, 1)
	s.open("suzhou", 1, 0)
	return s
}

// wait lets time pass.
func (s *tape) wait(d time.Duration) { s.now = s.now.Add(d) }

// until lets time pass up to a time of day in Shanghai.
func (s *tape) until(clock string) {
	s.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-01-02 "+clock, time.FixedZone("", 8*3600))
	must(s.t, err)
	s.now = at
}

func (s *tape) say(e domain.Event) domain.Ref {
	s.t.Helper()
	ref, err := s.control.Append(s.t.Context(), func(*domain.ControlState) (domain.Event, error) { return e, nil })
	must(s.t, err)
	return ref
}

func (s *tape) put(leg domain.Leg, e domain.ShardEvent) domain.Ref {
	s.t.Helper()
	ref, err := s.writers[leg].Append(s.t.Context(), e)
	must(s.t, err)
	return ref
}

func (s *tape) owned() domain.Owned { return domain.Owned{Incarnation: s.owner} }

// process begins one, which takes legs over, each a moment after the one before.
func (s *tape) process(instance string, legs ...domain.Leg) {
	s.t.Helper()
	start := &domain.Started{Instance: instance, Host: "box", PID: 4711, Version: "1.7.0"}
	for _, leg := range legs {
		if _, replay := leg.Plan(); !replay {
			start.Claims = append(start.Claims, domain.Claim{Leg: leg})
		}
	}
	s.owner = s.say(start).Seq
	s.takes(legs...)
}

func (s *tape) takes(legs ...domain.Leg) {
	s.t.Helper()
	for _, leg := range legs {
		s.wait(20 * time.Millisecond)
		w, err := s.j.Takeover(s.t.Context(), domain.Stream{Pipeline: "bridge", Leg: leg}, s.owner, s.conf)
		must(s.t, err)
		s.writers[leg] = w
	}
}

// open begins a generation of a source's partitions at offset 1000 times the generation.
func (s *tape) open(id domain.SourceID, g domain.Generation, partitions ...int32) {
	s.t.Helper()
	ev := &domain.SourceOpened{Owned: s.owned(), Source: id, Generation: g, ClusterID: "city-" + string(id), Topic: "QL", StartPolicy: "latest", Config: s.conf}
	at := s.at[:0:0]
	for _, p := range s.at {
		if p.Source != id {
			at = append(at, p)
		}
	}
	for _, n := range partitions {
		first := 1000 * int64(g)
		ev.Starts = append(ev.Starts, domain.Start{Partition: n, LogStart: first, First: first, How: "log end"})
		at = append(at, domain.Position{Source: id, Generation: g, Partition: n, Next: first, LeaderEpoch: -1, LastBase: -1})
	}
	s.at = at
	ev.Positions = append(ev.Positions, s.at...)
	s.put(domain.LegIngest, ev)
}

// part is rows of one partition, or offsets without any.
type part struct {
	source    domain.SourceID
	partition int32
	rows      int64
	gone      int64
	why       domain.Reason
}

// fetch journals rows.
func (s *tape) fetch(parts ...part) domain.Ref {
	s.t.Helper()
	ev := &domain.Ingested{Owned: s.owned(), ExtractTime: domain.Micros(s.now.UnixMicro())}
	for _, p := range parts {
		for i := range s.at {
			at := &s.at[i]
			if at.Source != p.source || at.Partition != p.partition {
				continue
			}
			run := domain.Run{Source: p.source, Generation: at.Generation, Partition: p.partition, First: at.Next, Next: at.Next + p.gone + p.rows, Rows: p.rows}
			if p.gone > 0 {
				run.Gaps = []domain.Gap{{Span: domain.Span{First: at.Next, Next: at.Next + p.gone}, Reason: p.why}}
			}
			at.Next = run.Next
			ev.Runs = append(ev.Runs, run)
		}
	}
	ev.Positions = append(ev.Positions, s.at...)
	ref := s.put(domain.LegIngest, ev)
	s.fetched = append(s.fetched, ref)
	s.runs[ref.Seq] = ev.Runs
	return ref
}

// try is a hub transaction or a load that has begun.
type try struct {
	ref         domain.Ref
	first, last domain.Ref
	of          []domain.Ref
	excluded    []domain.Exclusion
}

// span is what a leg takes up next, as legs do: from the event behind what it carried, whatever
// that is.
func (s *tape) span(leg domain.Leg, list []domain.Ref) (first, last domain.Ref) {
	s.t.Helper()
	e, err := s.j.Get(s.t.Context(), list[0].Stream, s.carried[leg]+1)
	must(s.t, err)
	return e.Ref(), list[len(list)-1]
}

func (s *tape) hubBegins(of ...domain.Ref) *try {
	s.t.Helper()
	a := &try{of: of}
	a.first, a.last = s.span(domain.LegHub, of)
	a.ref = s.put(domain.LegHub, &domain.HubBegun{
		Owned: s.owned(), Trail: s.writers[domain.LegHub].Trail(), Config: s.conf, First: a.first, Last: a.last,
		Time: domain.Micros(s.now.UnixMicro()), Semantic: domain.ExactlyOnce,
	})
	return a
}

func (s *tape) hubDone(a *try, by domain.Finder) {
	s.t.Helper()
	ev := &domain.HubCommitted{Owned: s.owned(), Trail: s.writers[domain.LegHub].Trail(), Begun: a.ref, Cursor: a.last, FoundBy: by, Excluded: a.excluded}
	for _, in := range a.of {
		for i, run := range s.runs[in.Seq] {
			ev.Runs = append(ev.Runs, domain.HubRun{Ingest: in.Seq, Run: i, N: run.Rows, Partition: run.Partition, Offset: s.ends[run.Partition]})
			s.ends[run.Partition] += run.Rows
			ev.Rows += run.Rows
		}
	}
	for _, x := range a.excluded {
		ev.Rows -= x.Count
	}
	ref := s.put(domain.LegHub, ev)
	s.carried[domain.LegHub] = a.last.Seq
	s.inHub, s.rows[ref.Seq] = append(s.inHub, ref), ev.Rows
	s.fetched = s.fetched[len(a.of):]
}

func (s *tape) hubNot(a *try, why string, by domain.Finder) {
	s.t.Helper()
	s.put(domain.LegHub, &domain.HubAborted{Owned: s.owned(), Trail: s.writers[domain.LegHub].Trail(), Begun: a.ref, Why: why, FoundBy: by})
}

func (s *tape) loadBegins(leg domain.Leg, excluded []domain.Exclusion, of ...domain.Ref) *try {
	s.t.Helper()
	a := &try{of: of, excluded: excluded}
	a.first, a.last = s.span(leg, of)
	a.ref = s.put(leg, &domain.DorisBegun{
		Owned: s.owned(), Trail: s.writers[leg].Trail(), Config: s.conf, First: a.first, Last: a.last, Time: domain.Micros(s.now.UnixMicro()),
		Table: "ods.ODS_QL_JC_SSJC", Semantic: domain.ExactlyOnce, Excluded: excluded,
	})
	return a
}

func (s *tape) loadReady(leg domain.Leg, a *try) {
	s.t.Helper()
	s.txn++
	s.put(leg, &domain.DorisPrepared{Owned: s.owned(), Trail: s.writers[leg].Trail(), Begun: a.ref, Label: domain.Label(a.ref), Txn: s.txn, Backend: "be-1:8040"})
}

func (s *tape) loadDone(leg domain.Leg, a *try, by domain.Finder) {
	s.t.Helper()
	var rows int64
	for _, in := range a.of {
		rows += s.rows[in.Seq]
		if s.c.Direct {
			for _, run := range s.runs[in.Seq] {
				rows += run.Rows
			}
		}
	}
	for _, x := range a.excluded {
		rows -= x.Count
	}
	s.put(leg, &domain.DorisCommitted{
		Owned: s.owned(), Trail: s.writers[leg].Trail(), Begun: a.ref, Cursor: a.last, Txn: s.txn, How: "transaction state", Rows: rows,
		Visible: domain.Micros(s.now.UnixMicro()), FoundBy: by,
	})
	s.carried[leg] = a.last.Seq
	if leg == domain.LegDoris {
		s.inHub = s.inHub[len(a.of):]
	}
}

func (s *tape) loadNot(leg domain.Leg, a *try, why string) {
	s.t.Helper()
	s.put(leg, &domain.DorisAborted{Owned: s.owned(), Trail: s.writers[leg].Trail(), Begun: a.ref, Why: why, FoundBy: domain.FoundBySelf})
}

// hub carries all that is fetched.
func (s *tape) hub() {
	s.t.Helper()
	if len(s.fetched) > 0 {
		s.hubDone(s.hubBegins(s.fetched...), domain.FoundBySelf)
	}
}

// load carries all that is in the hub.
func (s *tape) load() {
	s.t.Helper()
	if len(s.inHub) > 0 {
		a := s.loadBegins(domain.LegDoris, nil, s.inHub...)
		s.wait(200 * time.Millisecond)
		s.loadReady(domain.LegDoris, a)
		s.wait(100 * time.Millisecond)
		s.loadDone(domain.LegDoris, a, domain.FoundBySelf)
	}
}

// everyone is rows of every partition.
func everyone(n int64) []part {
	return []part{{source: "nanjing", rows: n}, {source: "nanjing", partition: 1, rows: n}, {source: "suzhou", rows: n}}
}

// flows lets rows flow up to a time of day: a fetch and a hub transaction a second, a load every
// five.
func (s *tape) flows(clock string, parts ...part) {
	s.t.Helper()
	now := s.now
	s.until(clock)
	end := s.now
	for s.now = now; s.now.Before(end); s.wait(time.Second - time.Duration(s.now.Nanosecond())) {
		s.fetch(parts...)
		s.wait(50 * time.Millisecond)
		s.hub()
		if s.now.Second()%5 == 0 {
			s.load()
		}
	}
}

// tells is the story from 02:10 to 02:20.
func (s *tape) tells() *timeline.Story {
	s.t.Helper()
	return s.between("02:10:00", "02:20:00")
}

func (s *tape) between(from, to string) *timeline.Story {
	s.t.Helper()
	now := s.now
	ask := &timeline.Ask{Slow: timeline.Slow}
	s.until(from)
	ask.From = s.j.Now()
	s.until(to)
	ask.To = s.j.Now()
	s.now = now
	story, err := timeline.Tell(s.t.Context(), s.j, ask, nil)
	must(s.t, err)
	return story
}
