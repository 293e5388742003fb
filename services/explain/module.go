package explain

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module answers questions by the API of the process.
var Module = fx.Module("explain", fx.Provide(New, lifecycle.Serves[*Service]))
