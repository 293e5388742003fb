package checkpoint

import (
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// A clean end leaves nothing that could be cut off without a trace: the last event of control
// is the checkpoint, which covers everything but itself, and the tree has that.
func TestCleanEndIsRemembered(t *testing.T) {
	r := newRig(t)
	r.append(1)
	r.k.last(t.Context())
	tail, err := r.j.Tail(t.Context(), domain.ControlStream("p"))
	r.ok(err)
	if _, is := tail.Event.(*domain.Checkpoint); !is {
		t.Fatalf("control ends with %s", tail.Event.Kind())
	}
	for _, b := range r.k.branches {
		if b.stream.Leg == domain.LegControl && b.last != tail.Ref() {
			t.Errorf("the tree of control ends at %s, and control at %s", b.last, tail.Ref())
		}
	}
}
