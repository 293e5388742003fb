package checkpoint

import (
	"testing"

	"github.com/hefu-io/hefu/journal/checkpoint"
)

// TestControlIsToldSeldom: the file has every checkpoint, control one in many, and that of a
// clean end.
func TestControlIsToldSeldom(t *testing.T) {
	r := newRig(t)
	r.append(1)
	r.ok(r.due(r.k))
	told := r.heads()[doris].Ref
	for range 3 {
		r.append(1)
		r.k.mu.Lock()
		r.k.at = r.k.at.Add(-r.k.interval)
		err := r.k.step(t.Context())
		r.k.mu.Unlock()
		r.ok(err)
		if got := r.heads()[doris].Ref; got != told {
			t.Fatalf("control was told again: %s, it has %s", got, told)
		}
		file, err := checkpoint.OpenFile(checkpoint.FilePath(r.dir))
		r.ok(err)
		if got := file.Heads()[0].Ref; got != r.w.Tail() {
			t.Fatalf("the file has %s, the stream %s", got, r.w.Tail())
		}
	}
	r.k.last(t.Context())
	if got := r.heads()[doris].Ref; got != r.w.Tail() {
		t.Errorf("a clean end told control %s, the stream has %s", got, r.w.Tail())
	}
}
