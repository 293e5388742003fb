package realflink

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed pom.xml
var pom []byte

// version names the set of jars that pom.xml asks for.
const version = "1.20.1-doris-25.0.0"

// jars returns the directory with the jars, under the user's cache directory; they are downloaded when they are not
// there yet (some 120 MB). A directory of that name is always whole: it is filled under another name first.
func jars(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	base := filepath.Join(cache, "hefu", "flink")
	dir := filepath.Join(base, version)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(base, ".download-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return "", err
	}
	lib := filepath.Join(tmp, "lib")
	cmd := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--file", file,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download flink %s with mvn: %w\n%s", version, err, bytes.TrimSpace(out))
	}
	// Two downloads at once are both whole; the second to finish is thrown away.
	if err := os.Rename(lib, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, nil
}
