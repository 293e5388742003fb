package realflink

import (
	"context"
	_ "embed"

	"github.com/hefu-io/hefu/services/devstack/maven"
)

//go:embed pom.xml
var pom []byte

// version names the set of jars that pom.xml asks for.
const version = "1.20.1-doris-25.0.0-kafka-3.4.0"

// jars returns the directory with the jars, some 170 MB.
func jars(ctx context.Context) (string, error) { return maven.Jars(ctx, "flink", version, pom) }
