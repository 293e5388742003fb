package status

import (
	"go.uber.org/fx"

	"github.com/hefu-io/hefu/services/lifecycle"
)

// Module serves the API for the life of the app, with the routes of the other parts.
var Module = fx.Module("status", fx.Provide(fx.Annotate(New, fx.ParamTags("", "", "", `group:"routes"`))), fx.Invoke(lifecycle.Start[*Service]))
