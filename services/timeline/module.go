package timeline

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module tells timelines by the API of the process.
var Module = fx.Module("timeline", fx.Provide(New, lifecycle.Serves[*Service]))
