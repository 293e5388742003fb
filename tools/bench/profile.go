package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hefu-io/hefu/services/status"
)

// profileSeconds is the length of one profile; a run takes several, which are added up.
const profileSeconds = 2

// topFile, in the profile directory, holds what the report shows.
const topFile = "cpu-top.txt"

// startProfile profiles a `hefu run` by its data directory until the returned function
// is called, which leaves the profiles and the top of them in dir.
func startProfile(ctx context.Context, dir, data string) (func() error, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	address, err := os.ReadFile(filepath.Join(data, status.AddressFile))
	if err != nil {
		return nil, err
	}
	base := "http://" + strings.TrimSpace(string(address)) + "/debug/pprof/"
	done := make(chan struct{})
	ended := make(chan error, 1)
	var files []string
	go func() {
		for n := 0; ; n++ {
			file := filepath.Join(dir, fmt.Sprintf("cpu-%d.pprof", n))
			if err := download(ctx, fmt.Sprintf("%sprofile?seconds=%d", base, profileSeconds), file); err != nil {
				ended <- err
				return
			}
			files = append(files, file)
			select {
			case <-done:
				ended <- nil
				return
			default:
			}
		}
	}()
	return func() error {
		close(done)
		err := <-ended
		if err == nil {
			err = download(ctx, base+"heap", filepath.Join(dir, "heap.pprof"))
		}
		if err != nil {
			return err
		}
		return top(ctx, files, filepath.Join(dir, topFile))
	}, nil
}

func download(ctx context.Context, url, file string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, resp.Body)
	return errors.Join(err, out.Close())
}

// top has the go command add the profiles up.
func top(ctx context.Context, files []string, to string) error {
	args := append([]string{"tool", "pprof", "-top", "-nodecount=25"}, files...)
	text, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return os.WriteFile(to, text, 0o644)
}
