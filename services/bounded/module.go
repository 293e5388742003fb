package bounded

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module ends the app when a bounded run is complete.
var Module = fx.Module("bounded", fx.Provide(New), fx.Invoke(lifecycle.Start[*Service]))
