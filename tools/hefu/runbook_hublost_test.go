package main

import (
	"path/filepath"

	"github.com/hefu-io/hefu/services/devstack/stack"
)

// hubTopicLost: somebody deletes the hub topic. There is a copy of the brokers' folders.
func hubTopicLost(r *rehearsal) {
	live, backup := filepath.Join(r.dir, "hub"), filepath.Join(r.dir, "backup")
	r.lower()
	r.copies(live, backup)
	r.raise()
	r.plays["systemctl stop kafka"] = r.lower
	r.plays["rsync -a --delete /backup/kafka/ /var/lib/kafka/"] = func() { r.copies(backup, live) }
	r.plays["systemctl start kafka"] = r.raise
	r.deletesTopic(stack.HubTopic)
	r.sends(nanjing, 0, 50)
}
