package target_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/devstack/realmariadb"
	"github.com/hefu-io/hefu/services/reconcile/proof"
	"github.com/hefu-io/hefu/services/reconcile/target"
)

// TestReadsFromMariaDB: the MariaDB that HEFU_TEST_MARIADB asks for says the same of the same rows as the stand-in, although
// it knows no xxhash_64: the digests are then made here.
func TestReadsFromMariaDB(t *testing.T) {
	addr, stop, err := realmariadb.ForTests(t.Context(), t.TempDir())
	if realmariadb.Skips(err) {
		t.Skipf("SKIPPED: reads from MariaDB: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	standIn, other := newTable(t, 3, 3, 6), connect(t, addr)
	other.exec("DROP DATABASE IF EXISTS ods")
	other.exec("CREATE DATABASE ods CHARACTER SET utf8mb4")
	other.exec("CREATE TABLE ods.T (" + fmt.Sprintf(columns, 6, "LONGTEXT", 3, 3) + ")")
	standIn.fill()
	other.fill()
	d, want := standIn.open("", nil)
	m, err := target.OpenOver(t.Context(), other.db, &other.conf)
	if err != nil {
		t.Fatal(err)
	}
	f := domain.FlinkFormat()
	got := m.Witness(target.NewFormat(&f, time.UTC, m.Digits(), false))
	if !d.Digests() || m.Digests() || d.Digits() != m.Digits() {
		t.Fatalf("digests %t %t, digits %v %v", d.Digests(), m.Digests(), d.Digits(), m.Digits())
	}
	for _, in := range []proof.Range{hubRange(3, 0, 1<<17), hubRange(4, 0, 1<<17)} {
		if a, b := rowsOf(t, want, in), rowsOf(t, got, in); len(a) == 0 || !slices.Equal(a, b) {
			t.Errorf("%s: stand-in:\n%+v\nMariaDB:\n%+v", in, a, b)
		}
		a, err := want.Vectors(t.Context(), in, domain.WindowSize, proof.All)
		b, err2 := got.Vectors(t.Context(), in, domain.WindowSize, proof.All)
		if err != nil || err2 != nil || len(a) == 0 || !maps.Equal(a, b) {
			t.Errorf("%s: stand-in: %v %v\nMariaDB: %v %v", in, a, err, b, err2)
		}
	}
	a, err := d.Sweep(t.Context())
	b, err2 := m.Sweep(t.Context())
	if err != nil || err2 != nil || !slices.Equal(a, b) {
		t.Errorf("%v %v, %v %v", a, err, b, err2)
	}
}
