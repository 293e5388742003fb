package main

import (
	"os"
	"path/filepath"
)

// journalLost: the disk with the data directory is gone. The city sends on.
func journalLost(r *rehearsal) {
	r.stops()
	if err := os.RemoveAll(filepath.Join(r.dir, "data")); err != nil {
		r.Fatal(err)
	}
	r.sends(nanjing, 0, 30)
	r.plays["systemctl stop hefu"] = func() {} // there is none
}
