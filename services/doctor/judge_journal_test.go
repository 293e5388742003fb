package doctor

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/config"
)

func goodExternal() *facts {
	c := config.Journal{Mode: config.ModeExternal, Replicas: 3, MaxBytes: 100 << 30, ReserveBytes: 1 << 30}
	return &facts{journal: journalFacts{
		config:  &c,
		servers: []natsFacts{{url: "nats://a:1", version: "2.15.2", cluster: "c"}, {url: "nats://b:1", version: "2.15.2"}, {url: "nats://c:1", version: "2.15.2"}},
		account: natsAccount{storage: -1, copies: 1},
		streams: []natsStream{{name: "HEFU_bridge_control_1", replicas: 3, leader: "a", skew: time.Millisecond, skewed: true}},
	}}
}

func TestExternalJournal(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*journalFacts)
		want   judged
	}{
		{"well", func(*journalFacts) {}, judged{"copies", Good, "replicas: 3, 3 of 3 servers answer"}},
		{"sync", func(*journalFacts) {}, judged{"sync", Unchecked, "does not tell"}},
		{
			"one server down", func(j *journalFacts) {
				j.config.Replicas = 3
				j.servers = append(j.servers, natsFacts{url: "nats://d:1", err: errors.New("refused")})
			},
			judged{"server nats://d:1", Note, "refused"},
		},
		{"no server", func(j *journalFacts) {
			j.servers, j.err = []natsFacts{{url: "nats://a:1", err: errors.New("refused")}}, errors.New("none")
		}, judged{"server nats://a:1", Unknown, "refused"}},
		{"too few servers", func(j *journalFacts) { j.servers = j.servers[:2] }, judged{"copies", Bad, "2 of 2"}},
		{"one copy", func(j *journalFacts) { j.config.Replicas = 1; j.streams[0].replicas = 1 }, judged{"copies", Note, "replicas: 1"}},
		{"no jetstream", func(j *journalFacts) { j.account.err = fmt.Errorf("account: %w", jetstream.ErrJetStreamNotEnabled) }, judged{"JetStream", Bad, "not enabled"}},
		{"account silent", func(j *journalFacts) { j.account.err = errors.New("timeout") }, judged{"JetStream", Unknown, "timeout"}},
		{"account with room", func(j *journalFacts) { j.account = natsAccount{storage: 300 << 30, copies: 3} }, judged{"JetStream", Good, "0 B of 300 GiB"}},
		{"account too small", func(j *journalFacts) { j.account = natsAccount{storage: 299 << 30, copies: 3} }, judged{"JetStream", Note, "299 GiB"}},
		{"account full", func(j *journalFacts) { j.account = natsAccount{storage: 300 << 30, used: 298 << 30, copies: 3} }, judged{"JetStream", Bad, "298 GiB of 300 GiB"}},
		{"drift", func(j *journalFacts) { j.drift = fmt.Errorf("%w: stream X: discard", journal.ErrDrift) }, judged{"streams", Bad, "stream X"}},
		{"headless", func(j *journalFacts) { j.streams[0].leader = "" }, judged{"streams", Bad, "without a leader: HEFU_bridge_control_1"}},
		{"behind", func(j *journalFacts) { j.streams[0].behind = []string{"b"} }, judged{"streams", Note, "HEFU_bridge_control_1 at b"}},
		{"fewer copies", func(j *journalFacts) { j.streams[0].replicas = 1 }, judged{"streams", Note, "1 of 1"}},
		{"clock", func(j *journalFacts) { j.streams[0].skew = -time.Minute }, judged{"clock", Note, "1 min 0 s apart"}},
		{"no clock", func(j *journalFacts) { j.streams = nil }, judged{"clock", Unchecked, "none yet"}},
		{"data_dir", func(j *journalFacts) { j.dirErr = errors.New("permission denied") }, judged{"data_dir ", Bad, "permission denied"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := goodExternal()
			c.change(&f.journal)
			var s system
			f.judgeJournal(&s)
			c.want.demand(t, s.checks)
		})
	}
}

func TestEmbeddedJournal(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		what   string
		change func(*facts)
		want   judged
	}{
		{"well", func(*facts) {}, judged{"room on the disk", Good, "200 GiB free"}},
		{"little room", func(f *facts) { f.host.disk.free = 99 * gib }, judged{"room on the disk", Note, "99 GiB free"}},
		{"what is used needs no room again", func(f *facts) { f.host.disk.free, f.journal.held = 99*gib, 5*gib }, judged{"room on the disk", Good, "99 GiB free"}},
		{"no room", func(f *facts) { f.host.disk.free = gib / 2 }, judged{"room on the disk", Bad, "512 MiB free"}},
		{"not told", func(f *facts) { f.host.disk = nil }, judged{"room on the disk", Unchecked, ""}},
		{"nearly full", func(f *facts) { f.journal.held = 81 * gib }, judged{"size", Note, "81 GiB of 100 GiB"}},
		{"full", func(f *facts) { f.journal.held = 99 * gib }, judged{"size", Bad, "99 GiB of 100 GiB"}},
		{"running", func(f *facts) { f.journal.running = "host-1" }, judged{"lock", Good, "instance host-1"}},
		{"silent", func(f *facts) { f.journal.locked = true }, judged{"lock", Note, "does not answer"}},
		{"free", func(*facts) {}, judged{"lock", Good, "free"}},
		{"fresh", func(f *facts) { f.journal.fresh = true }, judged{"lock", Good, "no journal yet"}},
		{"unreadable", func(f *facts) { f.journal.err = errors.New("permission denied") }, judged{"size", Unknown, "permission denied"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			f := &facts{
				journal: journalFacts{config: &config.Journal{Mode: config.ModeEmbedded, MaxBytes: 100 * gib, ReserveBytes: gib}},
				host:    hostFacts{disk: &diskFacts{free: 200 * gib, size: 500 * gib}},
			}
			c.change(f)
			var s system
			f.judgeJournal(&s)
			c.want.demand(t, s.checks)
		})
	}
}
