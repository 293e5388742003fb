package origin

import (
	"context"
	"errors"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

// A city is read no faster than is allowed, and a reader that waits for its turn ends with its
// context.
func TestCityIsReadSlowly(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 20)
	p := &partition{cl: n.cl, limit: 1}
	must(t, p.look(n.ctx, n.topic))
	ctx, cancel := context.WithCancel(n.ctx)
	defer cancel()
	rows := 0
	err := p.read(ctx, domain.Span{Next: 20}, false, func(cityRow) error {
		if rows++; rows == 20 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows != 20 {
		t.Errorf("%d rows of one answer, %v", rows, err)
	}
}
