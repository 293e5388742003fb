package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
)

// child appends as fast as it can and tells each ack, until it is killed. Its
// incarnation is one more than that of the child before it.
func child(dir string) error {
	ctx := context.Background()
	s, err := embedded.Open(ctx, dir)
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, pipeline, journal.Options{Store: s.Store(), Manifest: s.Manifest(), SegmentBytes: 64 << 10})
	if err != nil {
		return err
	}
	c, err := j.OpenControl(ctx)
	if err != nil {
		return err
	}
	started, err := c.Append(ctx, func(*domain.ControlState) (domain.Event, error) { return &domain.Started{PID: os.Getpid()}, nil })
	if err != nil {
		return err
	}
	w, err := j.Takeover(ctx, hub, started.Seq, 1)
	if err != nil {
		return err
	}
	for {
		ref, err := w.Append(ctx, &domain.HubAborted{Owned: w.Owned(), Trail: w.Trail(), Why: string(make([]byte, 2000))})
		if err != nil {
			return err
		}
		fmt.Println(ref.Seq, ref.Hash)
	}
}

func TestKilledProcessLosesNoAckedEvent(t *testing.T) {
	dir := t.TempDir()
	acked := map[domain.Seq]string{}
	const kills = 3
	for range kills {
		runAndKill(t, dir, acked)
	}
	s, j := openAll(t, dir)
	defer closeServer(t, s)
	r, err := j.Read(t.Context(), hub, domain.Cursor{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tail, err := j.Tail(t.Context(), hub)
	if err != nil {
		t.Fatal(err)
	}
	owners := map[domain.Seq]bool{}
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := r.Next(t.Context()) // the chain is whole, or this says where it is not
		if err != nil {
			t.Fatal(err)
		}
		if hash, ok := acked[seq]; ok && hash != e.Hash.String() {
			t.Errorf("%d was acked as another event", seq)
		}
		delete(acked, seq)
		if o, ok := e.Event.(*domain.Opened); ok {
			owners[o.Owner()] = true
		}
	}
	if len(acked) > 0 || len(owners) != kills {
		t.Errorf("%d acked events are gone; owners %v", len(acked), owners)
	}
}

// runAndKill lets a child append until it told of some acks, kills it and collects
// what it told.
func runAndKill(t *testing.T, dir string, acked map[domain.Seq]string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for lines := bufio.NewScanner(out); lines.Scan(); told++ {
		var seq domain.Seq
		var hash string
		if _, err := fmt.Sscan(lines.Text(), &seq, &hash); err == nil && len(hash) == 64 {
			acked[seq] = hash
		}
		if told == 60 {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if told < 60 {
		t.Fatalf("the child ended by itself after %d acks", told)
	}
}
