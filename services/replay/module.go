package replay

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module runs replays for the life of the app.
var Module = fx.Module("replay", fx.Provide(New, lifecycle.Serves[*Service]), fx.Invoke(lifecycle.Start[*Service]))
