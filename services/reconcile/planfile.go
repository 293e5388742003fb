package reconcile

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// files are the files of a replay as a target: JSON lines, one file a lane, read by a decoder of
// the reconciler's own. Where the lines of a window are is looked up once; the lines themselves
// are read each time.
type files struct {
	paths  []string
	digits target.Digits
	at     map[domain.Window][]stretch
	rows   map[int32]int64
	broken []domain.Finding // lines that are no rows, or are out of order
}

// stretch is lines of one window, one after the other.
type stretch struct {
	file       int
	begin, end int64 // bytes
}

// openFiles looks through the files of a plan. Errors: that of the first one that cannot be read.
func openFiles(dataDir string, plan *domain.Plan, digits target.Digits) (*files, error) {
	f := &files{digits: digits, at: map[domain.Window][]stretch{}, rows: map[int32]int64{}}
	for _, l := range plan.Lanes {
		path := filepath.Join(dataDir, "replays", plan.ID.String(), strconv.Itoa(l.Shard)+".jsonl")
		f.paths = append(f.paths, path)
		if err := f.look(len(f.paths) - 1); err != nil {
			return nil, fmt.Errorf("file of plan %s: %w", plan.ID, err)
		}
	}
	return f, nil
}

// look goes through a file once.
func (f *files) look(i int) error {
	in, err := os.Open(f.paths[i])
	if err != nil {
		return err
	}
	defer in.Close()
	last := map[int32]int64{}
	var open domain.Window
	begun := false
	return eachLine(in, 0, -1, func(begin, end int64, line []byte) error {
		r, err := f.row(line)
		if err != nil {
			f.odd(domain.Strayed, domain.Coord{Partition: -1, Offset: begin, Timestamp: -1}, fmt.Sprintf("the line at byte %d of %s is no row: %s", begin, f.paths[i], err))
			begun = false
			return nil
		}
		h := r.Hub.Partition
		if before, known := last[h]; known && r.Offset < before {
			f.odd(domain.Reordered, r.Hub, fmt.Sprintf("it comes after hub offset %d", before))
		}
		last[h] = r.Offset
		f.rows[h]++
		id := windowAt(h, r.Offset)
		if list := f.at[id]; begun && id == open {
			list[len(list)-1].end = end
		} else {
			f.at[id] = append(list, stretch{i, begin, end})
		}
		open, begun = id, true
		return nil
	})
}

func windowAt(h int32, offset int64) domain.Window {
	return domain.Window{Proof: domain.ProofHubDoris, Partition: h, Index: offset / domain.WindowSize}
}

func (f *files) odd(class domain.Class, at domain.Coord, detail string) {
	if len(f.broken) < keptFindings {
		one := domain.Finding{Class: class, Where: f.Name(), Detail: detail}
		one.Row.City = domain.Coord{Partition: -1, Offset: -1, Timestamp: -1}
		one.Row.Hub = at
		f.broken = append(f.broken, one)
	}
}

// eachLine reads lines from a byte on to another one, or to the end for -1.
func eachLine(in io.ReadSeeker, from, to int64, do func(begin, end int64, line []byte) error) error {
	if _, err := in.Seek(from, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(in, 1<<16)
	for at := from; to < 0 || at < to; {
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			if e := do(at, at+int64(len(line)), line); e != nil {
				return e
			}
			at += int64(len(line))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// row reads a line: every column, and nothing else.
func (f *files) row(line []byte) (*proof.Row, error) {
	if !bytes.HasSuffix(line, []byte("\n")) {
		return nil, errors.New("it is cut off")
	}
	var cells map[string]any
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&cells); err != nil {
		return nil, err
	}
	if d.InputOffset() != int64(len(line)-1) || len(cells) != proof.Columns {
		return nil, fmt.Errorf("it has %d columns, or more than an object", len(cells))
	}
	r := &proof.Row{}
	for col := range proof.Columns {
		v, known := cells[proof.ColumnName(col)]
		switch v := v.(type) {
		case string:
			r.Text[col] = v
		case json.Number:
			r.Text[col] = v.String()
		case nil:
			if !known {
				return nil, fmt.Errorf("it has no column %s", proof.ColumnName(col))
			}
			r.Null |= 1 << col
		default:
			return nil, fmt.Errorf("column %s is neither a text nor a number", proof.ColumnName(col))
		}
	}
	for _, col := range []int{proof.CityTime, proof.HubTime, proof.ExtractTime} {
		r.Text[col] = withDigits(r.Text[col], f.digits[col])
	}
	h := narrow(number(r.Text[proof.HubPartition]))
	r.Offset = number(r.Text[proof.HubOffset])
	if h < 0 || r.Offset < 0 {
		return nil, errors.New("it has no place in the hub")
	}
	r.Hub = domain.Coord{Partition: h, Offset: r.Offset, Timestamp: -1}
	return r, nil
}

// withDigits is a time with so many digits of a second: Flink leaves out zeros at its end.
func withDigits(text string, digits int) string {
	second, fraction, _ := strings.Cut(text, ".")
	if text == "" || digits == 0 {
		return second
	}
	return second + "." + (fraction + strings.Repeat("0", digits))[:digits]
}

// Name is "file".
func (f *files) Name() string { return "file" }

// each reads the rows of some spans of a hub partition, window by window.
func (f *files) each(partition int32, spans domain.Spans, do func(*proof.Row) error) error {
	var ids []domain.Window
	for id := range f.at {
		if id.Partition == partition && len(spans.Within(id.Span())) > 0 {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b domain.Window) int { return int(a.Index - b.Index) })
	opened := map[int]*os.File{}
	defer func() {
		for _, in := range opened {
			_ = in.Close() // it was read only
		}
	}()
	for _, id := range ids {
		for _, s := range f.at[id] {
			if opened[s.file] == nil {
				in, err := os.Open(f.paths[s.file])
				if err != nil {
					return err
				}
				opened[s.file] = in
			}
			if err := f.stretch(opened[s.file], s, func(r *proof.Row) error {
				if !spans.Contains(r.Offset) {
					return nil
				}
				return do(r)
			}); err != nil {
				return fmt.Errorf("read %s: %w", f.paths[s.file], err)
			}
		}
	}
	return nil
}

func (f *files) stretch(in *os.File, s stretch, do func(*proof.Row) error) error {
	return eachLine(in, s.begin, s.end, func(_, _ int64, line []byte) error {
		r, err := f.row(line)
		if err != nil {
			return err // it was a row before
		}
		return do(r)
	})
}

// Vectors implements proof.Witness.
func (f *files) Vectors(_ context.Context, in proof.Range, step int64, mask proof.Mask) (map[int64]domain.Vector, error) {
	parts := map[int64]*proof.Tally{}
	err := f.each(in.Partition, domain.Spans{in.Span}, func(r *proof.Row) error {
		at := r.Offset / step * step
		if parts[at] == nil {
			parts[at] = &proof.Tally{Mask: mask}
		}
		parts[at].Add(r)
		return nil
	})
	out := map[int64]domain.Vector{}
	for at, t := range parts {
		out[at] = t.Vector()
	}
	return out, err
}

// Rows implements proof.Witness.
func (f *files) Rows(_ context.Context, in proof.Range, each func(proof.Row) error) error {
	return f.each(in.Partition, domain.Spans{in.Span}, func(r *proof.Row) error { return each(*r) })
}

// RowsAt implements side.
func (f *files) RowsAt(_ context.Context, partition int32, spans domain.Spans, each func(*proof.Row) error) error {
	return f.each(partition, spans, each)
}

// outside calls each for the rows of all hub partitions that are in none of some spans.
func (f *files) outside(in map[int64]domain.Spans, each func(stray) error) error {
	for h := range f.rows {
		around := domain.Spans{{First: 0, Next: 1<<63 - 1}}
		if inside := in[int64(h)]; len(inside) > 0 {
			around = inside.Gaps(around[0])
		}
		if err := f.each(h, around, func(r *proof.Row) error { return each(strayOf(r, h)) }); err != nil {
			return err
		}
	}
	return nil
}
