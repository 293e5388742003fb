package lifecycle

import (
	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/fx"
)

// Routes is what a part adds to the API of the process.
type Routes interface {
	Routes(api huma.API)
}

// Serves gives a part's routes to the API: fx.Provide(New, lifecycle.Serves[*Service]).
func Serves[R Routes](part R) Served { return Served{Routes: part} }

// Served is a part of the API, in the group that whoever listens takes.
type Served struct {
	fx.Out
	Routes Routes `group:"routes"`
}
