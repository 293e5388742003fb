package realkafka

import (
	"context"
	_ "embed"

	"github.com/hefu-io/hefu/services/devstack/maven"
)

//go:embed pom.xml
var pom []byte

// jars returns the directory with the jars of a version, some 45 MB.
func jars(ctx context.Context, version string) (string, error) {
	return maven.Jars(ctx, "kafka", version, pom, "-Dkafka.version="+version)
}
