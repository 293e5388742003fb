package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/replay"
	"github.com/hefu-io/hefu/services/report"
)

// compare holds two rebuilt tables against each other: the vectors that the reconciler signed of
// each window, and the digests of all cells, read here.
func (b *rebuilding) compare(ctx context.Context, whole, killed *replay.Shown, x *result) error {
	one, err := b.signed(whole)
	if err != nil {
		return err
	}
	two, err := b.signed(killed)
	if err != nil {
		return err
	}
	if len(one) != len(two) {
		x.other++
		x.note = fmt.Sprintf("%d windows, and %d of the killed one", len(one), len(two))
	}
	rows, vectors, digests := int64(0), 0, 0
	for i := range one {
		if i >= len(two) || one[i].WindowID != two[i].WindowID {
			return fmt.Errorf("the windows of the two reports are not the same")
		}
		rows += one[i].Rows
		if a, b := one[i].Witnesses, two[i].Witnesses; len(a) != 2 || len(b) != 2 || a[1].Vector != b[1].Vector || a[0].Vector != b[0].Vector {
			x.other++
			x.note = fmt.Sprintf("window %+v: %+v and %+v", one[i].WindowID, one[i].Witnesses, two[i].Witnesses)
		} else {
			vectors++
		}
		first, err := b.digest(ctx, whole.Plan.Target.Name, &one[i])
		if err != nil {
			return err
		}
		second, err := b.digest(ctx, killed.Plan.Target.Name, &one[i])
		if err != nil {
			return err
		}
		if first != second {
			x.other++
			x.note = fmt.Sprintf("window %+v: its cells have the digests %s and %s", one[i].WindowID, first, second)
		} else {
			digests++
		}
	}
	for _, r := range []*replay.Shown{whole, killed} {
		n := int64(0)
		if err := b.w.db.QueryRowContext(ctx, "SELECT count(*) FROM "+r.Plan.Target.Name).Scan(&n); err != nil {
			return err
		}
		if n != rows || n != int64(b.w.o.rows) {
			x.other++
			x.note = fmt.Sprintf("table %s has %d rows, the windows %d", r.Plan.Target.Name, n, rows)
		}
	}
	fmt.Printf("%s rows in %d windows: the vectors of %d and the digests of %d are the same in both tables\n", humanize.Comma(rows), len(one), vectors, digests)
	return nil
}

// signed are the windows of the report of a replay's verification.
func (b *rebuilding) signed(r *replay.Shown) ([]report.Window, error) {
	want := r.Moves[len(r.Moves)-1].Report
	list, err := report.InFolder(filepath.Join(b.w.cfg.DataDir, report.Folder)).List()
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		file, err := os.ReadFile(e.File)
		if err != nil {
			return nil, err
		}
		v, err := report.Verify(file)
		if err != nil {
			return nil, fmt.Errorf("report %s: %w", e.Name, err)
		}
		if v.Digest.String() == want && v.Report.Verdict == domain.Verified {
			return v.Report.Windows, nil
		}
	}
	return nil, fmt.Errorf("replay %s: no report %s says that it is verified", r.ID, want)
}

// digest is that of all cells of the rows of a window, in the order of their keys.
func (b *rebuilding) digest(ctx context.Context, table string, of *report.Window) (sum domain.Hash, err error) {
	rows, err := b.w.db.QueryContext(ctx, "SELECT hw_partition_id, hw_offset_id, sscsdm, extract_time, record, city_partition_id, city_offset_id, city_ts, hw_ts FROM "+
		table+" WHERE hw_partition_id = ? AND hw_offset_id >= ? AND hw_offset_id < ? ORDER BY hw_partition_id, hw_offset_id", of.Partition, of.First, of.Through)
	if err != nil {
		return sum, err
	}
	defer rows.Close()
	h := sha256.New()
	cells := make([]sql.RawBytes, 9)
	to := make([]any, len(cells))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return sum, err
		}
		for _, c := range cells {
			fmt.Fprintf(h, "%d:%s,", len(c), c)
		}
	}
	return domain.Hash(h.Sum(nil)), rows.Err()
}
