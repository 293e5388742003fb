package kafka

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// clusterID returns the id of the cluster in dir, made the first time. kfake
// calls every cluster "kfake" otherwise, and a city could be taken for another.
func clusterID(dir string) (string, error) {
	file := filepath.Join(dir, "cluster_id")
	known, err := os.ReadFile(file)
	if err == nil {
		return strings.TrimSpace(string(known)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := "standin-" + strings.ToLower(rand.Text())
	return id, os.WriteFile(file, []byte(id+"\n"), 0o644)
}
