package hub_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/kafkaconn"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

// TestLostMarkerKafka: a real broker is killed and loses nothing but the markers at the ends of the
// partitions, of committed transactions, then of one that was aborted. The leg that opens next ends
// them as they were: a reader has every row, and keeps it when a transaction is aborted after that;
// and gets none that was never committed. A user who may not do that is told what to ask for.
func TestLostMarkerKafka(t *testing.T) {
	if realKafka() == "" {
		t.Skip("HEFU_TEST_KAFKA is not set")
	}
	const user, password = "hefu", "of-a-test"
	c := realkafka.Config{
		Version: "4.4.0", Dir: t.TempDir(), Heap: "256m", Security: realkafka.Security{Users: map[string]string{user: password}},
		Extra: map[string]string{
			"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
			"super.users":           "User:ANONYMOUS", "allow.everyone.if.no.acl.found": "true",
		},
	}
	b, err := realkafka.Start(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { _ = b.Kill() })
	r := &refill{replay: &replay{world: newWorldAt(t, b.Addr())}}
	w := r.world
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(password), 0o600))
	w.cfg.Kafka = kafkaconn.Config{
		Brokers: []string{b.ListenerAddr(realkafka.ListenerSASLPlain)}, SASL: &kafkaconn.SASL{Mechanism: kafkaconn.ScramSHA512, User: user, PasswordFile: file},
	}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	r.carry()
	for _, aborted := range []bool{false, true} {
		r.before = placed(r.visible())
		if aborted { // the next owner's fence ends it
			w.dies(&faults{produce: journal.FaultAfter})
			leg, err := w.process().Open(w.ctx)
			must(t, err)
			leg.Close()
		}
		ends := r.ends()
		must(t, b.Kill())
		for p, end := range ends {
			_, err := realkafka.Cut(c.Dir, r.topic(), p, end-1)
			must(t, err)
		}
		b, err = realkafka.Start(w.ctx, c)
		must(t, err)
		r.held(aborted)
		h, f := w.process(), &faults{}
		h.WrapSender(f.wrap)
		if aborted {
			w.allow(user, kadm.OpDescribe) // from now on it may nothing else of the cluster
			_, err := try(w, h)
			in := w.mustBeIncident(err, domain.IncidentHubLost, "the hub lost the marker of a transaction")
			if !contains(in, "ALTER on the cluster", r.topic()) {
				t.Errorf("the incident says %v", in)
			}
			r.held(aborted)
			w.allow(user, kadm.OpAlter)
		}
		leg := open(w, h)
		leg.Close()
		if diff := cmp.Diff(r.before, placed(r.visible())); diff != "" {
			t.Errorf("aborted %v, a reader's rows, - as before:\n%s", aborted, diff)
		}
		f.set(func(f *faults) { f.produce = journal.FaultAfter })
		w.kept(h, w.mixed())
		r.everyRow()
	}
}

// allow lets a user do something to the cluster.
func (w *world) allow(user string, op kadm.ACLOperation) {
	w.t.Helper()
	made, err := kadm.NewClient(w.cl).CreateACLs(w.ctx, kadm.NewACLs().Allow("User:"+user).AllowHosts("*").Clusters().Operations(op))
	must(w.t, err)
	for _, acl := range made {
		must(w.t, acl.Err)
	}
}

// held demands that what the partitions lost holds the readers back.
func (r *refill) held(aborted bool) {
	r.t.Helper()
	bounds, err := kafkaconn.Offsets(r.ctx, r.cl, r.topic())
	must(r.t, err)
	for p, b := range bounds {
		if b.LSO < b.HighWatermark {
			return
		}
		r.t.Logf("partition %d is decided up to its end", p)
	}
	r.t.Errorf("aborted %v: no partition has an open transaction", aborted)
}
