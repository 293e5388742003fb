package origin

import "github.com/hefu-io/hefu/domain"

// Control is the last event of the control stream that the configuration was read up to.
func (o *Journal) Control() domain.Cursor { return o.control.at }
