package origin

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// A city is read no faster than is allowed, and a reader that waits for its turn ends with its
// context.
func TestCityIsReadSlowly(t *testing.T) {
	n := newTown(t, nil)
	n.produce(n.cl, 20)
	p := &partition{cl: n.cl, limit: 1}
	must(t, p.look(n.ctx, n.topic))
	ctx, cancel := context.WithTimeout(n.ctx, time.Second)
	defer cancel()
	rows := 0
	err := p.read(ctx, domain.Span{Next: 20}, false, func(cityRow) error { rows++; return nil })
	if !errors.Is(err, context.DeadlineExceeded) || rows != 20 {
		t.Errorf("%d rows of one answer, %v", rows, err)
	}
}
