package origin

import (
	"strconv"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// cityRows makes rows of a window as a city has them, by the columns of Read.
type cityRows struct {
	clock clock
	out   proof.Row
}

func newCityRows(o *Journal, w domain.Window) *cityRows {
	c := &cityRows{clock: clock{zone: o.zone, digits: o.digits.CityTime}}
	c.out.Generation = w.Generation
	c.out.Hub = domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
	c.out.Text[proof.CityPartition] = strconv.Itoa(int(w.Partition))
	return c
}

func (c *cityRows) row(offset, ms int64, value string, null bool) proof.Row {
	r := c.out
	r.Offset = offset
	r.Text[proof.CityOffset] = strconv.FormatInt(offset, 10)
	r.Text[proof.CityTime] = c.clock.millis(ms)
	r.Text[proof.Record] = value
	r.Null = proof.All &^ Read
	if null {
		r.Null |= 1 << proof.Record
	}
	return r
}
