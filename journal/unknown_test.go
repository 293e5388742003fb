package journal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

// An event of a later release stops the reader, with a sentence that says what to do.
func TestEventsOfALaterReleaseStopTheReaderByName(t *testing.T) {
	later := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
	}
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   string
	}{
		{
			"kind", later("\x08HubBegun", "\x08HubSpoke"),
			"lowaltitude.3.hub@2: event kind HubSpoke version 1 is unknown to this release: use the release that wrote it (control: Started of the stream's owner names it)",
		},
		{
			"kind version", later("\x08HubBegun\x01", "\x08HubBegun\x02"),
			"lowaltitude.3.hub@2: event kind HubBegun version 2 is unknown to this release: use the release that wrote it (control: Started of the stream's owner names it)",
		},
		{
			"format", func(b []byte) []byte { return append([]byte{2}, b[1:]...) },
			"lowaltitude.3.hub@2: stored format 2 is unknown to this release, which reads format 1: use the release that wrote it; if no other release ever ran here, the event is damaged",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := journal.NewMemory()
			j := open(t, m)
			s := shard(domain.LegHub)
			if _, err := j.Takeover(t.Context(), s, 5, 1); err != nil {
				t.Fatal(err)
			}
			first := get(t, j, s, 1)
			parts, _ := journal.Encode(j.ID(), s, 2, first.Hash, first.At, &domain.HubBegun{})
			if err := m.Rewrite(s, 2, c.change(bytes.Join(parts, nil))); err != nil {
				t.Fatal(err)
			}
			r := read(t, j, s, domain.Cursor{})
			next(t, r, 1)
			for range 2 { // it stays stopped
				_, err := r.Next(t.Context())
				var unknown *journal.UnknownKindError
				if !errors.As(err, &unknown) || err.Error() != c.want {
					t.Fatalf("%v\nwant %s", err, c.want)
				}
			}
			if _, err := j.Takeover(t.Context(), s, 6, 1); !errors.As(err, new(*journal.UnknownKindError)) {
				t.Fatalf("takeover: %v", err)
			}
		})
	}
}

// Of another stream, or at another seq, it is no event of a later release: the store is
// broken.
func TestUnknownEventAtAWrongPlaceIsAnIntegrityError(t *testing.T) {
	m, j, s := six(t)
	e := get(t, j, s, 3)
	parts, _ := journal.Encode(j.ID(), s, 4, e.Prev, e.At, &domain.HubBegun{})
	rewrite(t, m, s, 3, bytes.Replace(bytes.Join(parts, nil), []byte("\x08HubBegun"), []byte("\x08HubSpoke"), 1))
	var broken *journal.IntegrityError
	if _, err := j.Get(t.Context(), s, 3); !errors.As(err, &broken) || broken.Seq != 3 {
		t.Fatal(err)
	}
}
