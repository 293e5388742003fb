// Package maven brings the jars of a real server from Maven packages into the user's cache directory.
package maven

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// Jars returns the directory with the jars that a pom asks for; they are downloaded with mvn when they are not there yet.
// name and version name the set, as in "kafka" and "4.4.0"; defines are given to mvn, as in "-Dkafka.version=4.4.0". A
// directory of that name is always whole: it is filled under another name first.
func Jars(ctx context.Context, name, version string, pom []byte, defines ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	base := filepath.Join(cache, "hefu", name)
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
	args := append([]string{"--batch-mode", "--quiet", "--file", file}, defines...)
	cmd := exec.CommandContext(ctx, "mvn", append(args, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+lib)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download %s %s with mvn: %w\n%s", name, version, err, bytes.TrimSpace(out))
	}
	// Two downloads at once are both whole; the second to finish is thrown away.
	if err := os.Rename(lib, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return dir, nil
}
