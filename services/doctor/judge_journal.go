package doctor

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/services/config"
)

// judgeJournal judges where the journal lies.
func (f *facts) judgeJournal(s *system) {
	j := &f.journal
	folder := Check{
		Name: "data_dir " + j.dir, Verdict: Good, Found: "can be written to by this user", Setting: "data_dir",
		Needed: "a folder that hefu's user may write to", Why: "without it hefu does not start", Do: "mkdir -p and chown it to hefu's user",
	}
	if j.dirErr != nil {
		folder.Verdict, folder.Found = Bad, oneLine(j.dirErr.Error())
	}
	s.add(folder)
	if j.config.Mode == config.ModeExternal {
		j.judgeExternal(s)
		return
	}
	if j.err != nil {
		s.add(Check{Name: "size", Verdict: Unknown, Found: oneLine(j.err.Error()), Setting: "data_dir", Why: "a full journal stops ingest", Do: "run doctor as hefu's user"})
	}
	j.judgeLock(s)
	s.add(Check{
		Name: "sync", Verdict: Good, Found: "each write, by the embedded server", Needed: "each write", Setting: "journal.mode: embedded",
		Why: "an event that was acknowledged survives a loss of power",
	})
	f.judgeRoom(s)
}

func (j *journalFacts) judgeLock(s *system) {
	c := Check{Name: "lock", Verdict: Good, Setting: "data_dir", Needed: "free, or held by the hefu that runs", Why: "one process owns an embedded journal"}
	switch {
	case j.running != "":
		c.Found = "held by the running hefu, instance " + j.running
	case j.locked:
		c.Verdict, c.Found = Note, "held by a process that does not answer at the API"
		c.Do = "fuser " + j.dir + "/journal/LOCK names it; is it still starting, or is api.listen another one?"
	case j.fresh:
		c.Found = "no journal yet; the first start makes it"
	default:
		c.Found = "free: no hefu runs here"
	}
	s.add(c)
}

// judgeRoom judges the disk under an embedded journal: max_bytes must stop ingest before
// the disk does.
func (f *facts) judgeRoom(s *system) {
	j, most := &f.journal, int64(f.journal.config.MaxBytes)
	reserve := int64(j.config.ReserveBytes)
	full := Check{
		Name: "size", Verdict: Good, Found: fmt.Sprintf("%s of %s", bytes(j.held), bytes(most)), Needed: "below four fifths", Setting: "journal.max_bytes, journal.reserve_bytes",
		Why: "at max_bytes less the reserve ingest stops; hub and Doris go on", Do: "drop archived segments, or raise journal.max_bytes",
	}
	switch {
	case j.held >= most-reserve:
		full.Verdict = Bad
	case j.held >= most/5*4:
		full.Verdict = Note
	}
	if j.err == nil && j.dirErr == nil {
		s.add(full)
	}
	need := max(0, most-j.held) + reserve
	c := Check{
		Name: "room on the disk", Needed: bytes(need) + ", what is left of max_bytes and the reserve", Setting: "journal.max_bytes, journal.reserve_bytes",
		Why: "a disk that is full before max_bytes is reached leaves no room to record outcomes", Do: "make room, or set journal.max_bytes to what the disk has",
	}
	d := f.host.disk
	switch {
	case f.host.diskErr != nil:
		c.Verdict, c.Found = Unknown, oneLine(f.host.diskErr.Error())
	case d == nil:
		c.Verdict, c.Found = Unchecked, "this system does not tell"
	default:
		c.Found, c.Verdict = bytes(d.free)+" free", Good
		if d.free < need {
			c.Verdict = Note
		}
		if d.free < reserve {
			c.Verdict = Bad
		}
	}
	s.add(c)
}

func (j *journalFacts) judgeExternal(s *system) {
	up := 0
	for i := range j.servers {
		n := &j.servers[i]
		c := Check{Name: "server " + n.url, Verdict: Good, Setting: "journal.servers", Why: "the journal stands while a majority of its servers does"}
		if n.err != nil {
			c.Verdict, c.Found, c.Do = Note, oneLine(n.err.Error()), "start it; wrong credentials are journal.credentials_file"
			if j.err != nil {
				c.Verdict = Unknown
			}
		} else {
			up++
			c.Found = "version " + n.version
			if n.cluster != "" {
				c.Found += ", cluster " + n.cluster
			}
		}
		s.add(c)
	}
	if j.err != nil {
		return
	}
	j.judgeReplicas(s, up)
	j.judgeAccount(s)
	j.judgeStreams(s)
	s.add(Check{
		Name: "sync", Verdict: Unchecked, Found: "a NATS server does not tell its clients", Needed: "sync_interval: always", Setting: "jetstream.sync_interval of each server",
		Why: "without it the last two minutes are in memory only: a loss of power takes acknowledged events", Do: "look at the servers' configuration",
	})
	j.judgeClock(s)
}

func (j *journalFacts) judgeReplicas(s *system, up int) {
	r := j.config.Replicas
	c := Check{
		Name: "copies", Found: fmt.Sprintf("replicas: %d, %d of %d servers answer", r, up, len(j.servers)), Needed: "3 on three servers", Setting: "journal.replicas, journal.servers",
		Why: "with one copy the loss of a server's disk is the loss of the journal",
	}
	switch {
	case up < r:
		c.Verdict, c.Do = Bad, fmt.Sprintf("start servers until %d answer, or name all of them in journal.servers", r)
		c.Why = "a new segment needs a server for each copy; without a majority nothing is appended"
	case r < 3:
		c.Verdict, c.Do = Note, "three servers, and replicas: 3 for new segments"
	default:
		c.Verdict = Good
	}
	s.add(c)
}

func (j *journalFacts) judgeAccount(s *system) {
	a := &j.account
	c := Check{
		Name: "JetStream", Needed: "on, with room for journal.max_bytes", Setting: "jetstream of the servers, limits of the account",
		Why: "where NATS refuses before max_bytes stops ingest, outcomes cannot be recorded either",
	}
	need := int64(j.config.MaxBytes) * a.copies
	switch {
	case errors.Is(a.err, jetstream.ErrJetStreamNotEnabled), errors.Is(a.err, jetstream.ErrJetStreamNotEnabledForAccount):
		c.Verdict, c.Found, c.Do = Bad, oneLine(a.err.Error()), "turn jetstream on in the servers' configuration, and for the account"
	case a.err != nil:
		c.Verdict, c.Found = Unknown, oneLine(a.err.Error())
	case a.storage < 0:
		c.Verdict, c.Found = Good, fmt.Sprintf("on, %s in use, no limit for the account", bytes(a.used))
	default:
		c.Found = fmt.Sprintf("%s of %s in use", bytes(a.used), bytes(a.storage))
		c.Needed = bytes(need) + " for the account"
		c.Verdict, c.Do = Good, "raise the account's limit, or lower journal.max_bytes"
		if a.storage < need {
			c.Verdict = Note
		}
		if a.storage-a.used < int64(j.config.ReserveBytes)*a.copies {
			c.Verdict = Bad
		}
	}
	s.add(c)
}

func (j *journalFacts) judgeStreams(s *system) {
	c := Check{
		Name: "streams", Verdict: Good, Needed: "each with a leader and all copies up to date", Setting: "journal.replicas", Why: "a stream without a majority takes no event",
	}
	headless, behind, fewer := []string{}, []string{}, 0
	for i := range j.streams {
		st := &j.streams[i]
		switch {
		case st.replicas > 1 && st.leader == "":
			headless = append(headless, st.name)
		case len(st.behind) > 0:
			behind = append(behind, st.name+" at "+some(st.behind))
		}
		if st.replicas < j.config.Replicas {
			fewer++
		}
	}
	c.Found = counted(len(j.streams), "stream")
	if len(j.streams) == 0 {
		c.Found = "none yet; the first start makes them"
	}
	switch {
	case j.drift != nil:
		c.Verdict, c.Found, c.Do = Bad, oneLine(j.drift.Error()), "put the setting back: nats stream edit"
	case j.strErr != nil:
		c.Verdict, c.Found = Unknown, oneLine(j.strErr.Error())
	case len(headless) > 0:
		c.Verdict, c.Found, c.Do = Bad, "without a leader: "+some(headless), "start servers until a majority is up"
	case len(behind) > 0:
		c.Verdict, c.Found, c.Do = Note, "behind: "+some(behind), "nats server report jetstream"
	case fewer > 0:
		c.Verdict, c.Found, c.Do = Note, fmt.Sprintf("%d of %d have fewer copies than journal.replicas", fewer, len(j.streams)), "nats stream edit --replicas; new segments have them"
	}
	s.add(c)
}

func (j *journalFacts) judgeClock(s *system) {
	c := Check{
		Name: "clock", Needed: "within 5 s of this host", Setting: "NTP on the servers and this host", Why: "the times of events and of the servers' logs do not compare",
		Do: "compare date -u on both",
	}
	worst, known := time.Duration(0), false
	for i := range j.streams {
		if st := &j.streams[i]; st.skewed {
			known = true
			if st.skew.Abs() > worst.Abs() {
				worst = st.skew
			}
		}
	}
	switch {
	case !known:
		c.Verdict, c.Found, c.Do = Unchecked, "a server tells its time with a stream only, and there is none yet", ""
	default:
		c.Verdict, c.Found = when(worst.Abs() <= 5*time.Second, Note), fmt.Sprintf("%s apart at most", span(worst.Abs()))
	}
	s.add(c)
}
