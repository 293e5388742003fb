package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/embedded"
	"github.com/hefu-io/hefu/services/config"
)

// natsPatience bounds the connection to one server: it is near, or it is not there.
const natsPatience = 3 * time.Second

// storeIsThere reports whether this instance has made or seen a journal.
func storeIsThere(cfg *config.Config) bool {
	manifest := filepath.Join(cfg.DataDir, "journal", "manifest.json")
	if cfg.Journal.Mode == config.ModeExternal {
		manifest = filepath.Join(cfg.DataDir, "manifest.json")
	}
	_, err := os.Stat(manifest)
	return err == nil
}

// askEmbedded looks at the embedded store's folder; who holds it was found out before.
func askEmbedded(cfg *config.Config, c *cursors) journalFacts {
	f := journalFacts{
		config: &cfg.Journal, dir: cfg.DataDir, running: c.running, locked: c.locked, payload: embedded.MaxPayload,
		fresh: !storeIsThere(cfg),
	}
	if f.dirErr = mayUse(cfg.DataDir); f.dirErr == nil {
		f.held, f.err = held(filepath.Join(cfg.DataDir, "journal"))
	}
	return f
}

// mayUse asks whether a folder is there, or can be made, and can be written to.
func mayUse(folder string) error {
	at := existing(folder)
	info, err := os.Stat(at)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", at)
	}
	return mayWrite(at)
}

// held is the size of all files below a folder.
func held(folder string) (n int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // gone since, or never there
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("size of the journal: %w", err)
	}
	return n, nil
}

// askExternal asks each server of an external journal by itself, and the first that
// answers for the account and the streams.
func askExternal(ctx context.Context, cfg *config.Config) journalFacts {
	f := journalFacts{config: &cfg.Journal, dir: cfg.DataDir, dirErr: mayUse(cfg.DataDir), payload: -1}
	asked := false
	for _, url := range cfg.Journal.Servers {
		s := natsFacts{url: url}
		nc, err := dialNATS(ctx, cfg, url)
		if err != nil {
			s.err = err
			f.servers = append(f.servers, s)
			continue
		}
		s.version, s.cluster, s.payload = nc.ConnectedServerVersion(), nc.ConnectedClusterName(), nc.MaxPayload()
		if f.payload < 0 || s.payload < f.payload {
			f.payload = s.payload
		}
		f.servers = append(f.servers, s)
		if !asked {
			f.askJetStream(ctx, nc, cfg)
			asked = true
		}
		nc.Close()
	}
	if !asked {
		f.err = errors.New("none of its servers answers")
	}
	return f
}

func dialNATS(ctx context.Context, cfg *config.Config, url string) (*nats.Conn, error) {
	patience := natsPatience
	if end, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(end))
	}
	opts := []nats.Option{nats.Name("hefu-doctor"), nats.NoReconnect(), nats.Timeout(patience), nats.DontRandomize()}
	if cfg.Journal.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(cfg.Journal.CredentialsFile))
	}
	if cfg.Journal.CAFile != "" {
		opts = append(opts, nats.RootCAs(cfg.Journal.CAFile))
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats %s: %w", url, err)
	}
	return nc, nil
}

// askJetStream reads the account and our streams; it makes none.
func (j *journalFacts) askJetStream(ctx context.Context, nc *nats.Conn, cfg *config.Config) {
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(natsPatience))
	if err != nil {
		j.account.err = err
		return
	}
	info, err := js.AccountInfo(ctx)
	if err != nil {
		j.account.err = fmt.Errorf("account of jetstream: %w", err)
		return
	}
	j.account = natsAccount{
		storage: info.Limits.MaxStore, used: int64(info.Store), copies: int64(max(1, cfg.Journal.Replicas)),
		streams: info.Streams, streamsMax: info.Limits.MaxStreams,
	}
	if tier, ok := info.Tiers[fmt.Sprintf("R%d", max(1, cfg.Journal.Replicas))]; ok {
		j.account.storage, j.account.used, j.account.copies = tier.Limits.MaxStore, int64(tier.Store), 1
	}
	store, err := journal.NewJetStream(nc, cfg.Journal.Replicas, natsPatience)
	if err != nil {
		j.strErr = err
		return
	}
	for i := range cfg.Pipelines {
		name := cfg.Pipelines[i].Name
		if err := j.askStreams(ctx, js, name); err != nil && j.strErr == nil {
			j.strErr = fmt.Errorf("streams of pipeline %s: %w", name, err)
		}
		if err := store.Attest(ctx, name); errors.Is(err, journal.ErrDrift) && j.drift == nil {
			j.drift = err
		} else if err != nil && !errors.Is(err, journal.ErrDrift) && j.strErr == nil {
			j.strErr = err
		}
	}
}

func (j *journalFacts) askStreams(ctx context.Context, js jetstream.JetStream, pipeline string) error {
	list := js.ListStreams(ctx, jetstream.WithStreamListSubject("hefu."+pipeline+".>"))
	for info := range list.Info() {
		s := natsStream{name: info.Config.Name, replicas: info.Config.Replicas, bytes: int64(info.State.Bytes)}
		if !info.TimeStamp.IsZero() {
			s.skew, s.skewed = time.Until(info.TimeStamp), true
		}
		if c := info.Cluster; c != nil {
			s.leader = c.Leader
			for _, r := range c.Replicas {
				if r.Offline || !r.Current {
					s.behind = append(s.behind, r.Name)
				}
			}
		}
		j.streams = append(j.streams, s)
	}
	return list.Err()
}
