package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
)

func newJournalExport() *cobra.Command {
	c := &cobra.Command{
		Use:   "export STREAM [FIRST [LAST]]",
		Short: "Write events out, so that the chain can be checked without Hefu",
		Long: `Export writes the events FIRST to LAST of a stream (all without them, one without LAST), one JSON
object a line, to standard output or, with --out, to <DIR>/<STREAM>.jsonl, which must not be there.

As show does it gives Stream, Seq, Kind, Bytes, Hash, Prev and Event; with --records the record
batches too, in base64, which hold city data. With --stored, Stored takes the place of Event: the
bytes as they are stored, in base64. Whoever has those needs no Hefu: Hash is their SHA-256, they
hold Prev, and Prev is the Hash of the line before. docs/journal.md says how to check that.`,
		Example: "  hefu journal export bridge.0.ingest --stored --out /tmp/evidence -c hefu.yaml\n  hefu journal export bridge.0.ingest 17 --records -c hefu.yaml",
		Args:    cobra.RangeArgs(1, 3),
	}
	file := configFlag(c)
	out := c.Flags().String("out", "", "the folder to write to")
	records := c.Flags().Bool("records", false, "with the record batches")
	stored := c.Flags().Bool("stored", false, "the stored bytes in place of the event")
	c.MarkFlagsMutuallyExclusive("records", "stored")
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		to, done, err := exportTo(cmd, *out, args[0])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		return eachEvent(cmd, *file, args, func(e *journal.Entry) error {
			if *stored {
				return writeStored(to, e)
			}
			return writeEvent(to, e, *records)
		})
	}
	return c
}

// exportTo opens what is written to; done ends it.
func exportTo(cmd *cobra.Command, dir, stream string) (to io.Writer, done func() error, err error) {
	if dir == "" {
		w := bufio.NewWriter(cmd.OutOrStdout())
		return w, w.Flush, nil
	}
	if _, err := domain.ParseStream(stream); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, stream+".jsonl"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	w := bufio.NewWriter(f)
	return w, func() error { return errors.Join(w.Flush(), f.Sync(), f.Close()) }, nil
}

// writeStored writes the stored bytes of an event, of which there is one form.
func writeStored(w io.Writer, e *journal.Entry) error {
	parts, hash := journal.Encode(e.Journal, e.Stream, e.Seq, e.Prev, e.At, e.Event)
	if hash != e.Hash {
		return fmt.Errorf("%s: its stored bytes are not those that this release writes: use the release that wrote it", e.Ref())
	}
	return json.NewEncoder(w).Encode(struct {
		Stream domain.Stream
		Seq    domain.Seq
		Kind   domain.Kind
		At     time.Time
		Hash   domain.Hash
		Prev   domain.Hash
		Stored []byte
	}{e.Stream, e.Seq, e.Event.Kind(), time.UnixMicro(int64(e.At)).UTC(), e.Hash, e.Prev, bytes.Join(parts, nil)})
}
