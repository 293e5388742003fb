package doctor_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	"github.com/hefu-io/hefu/services/doctor"
)

// table answers as a ClickHouse would that knows no table of ours, and keeps what it is asked.
type table struct {
	clickhouse.Engine // nothing is inserted
	readonly          string

	mu    sync.Mutex
	asked []string
}

func (e *table) Query(_ context.Context, r clickhouse.Request) ([]clickhouse.Block, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, r.Query)
	name, texts := "text", &proto.ColStr{}
	switch {
	case strings.Contains(r.Query, "system.settings"):
		name = "value"
		texts.Append(e.readonly)
	case r.Query == "SHOW GRANTS":
		name = "GRANTS FOR hefu"
		texts.Append("GRANT ALL ON *.* TO hefu")
	}
	return []clickhouse.Block{{{Name: name, Data: texts}}}, nil
}

// withProof gives a world an archive in a bucket and a lineage; s3 is what the bucket answers.
func (w *world) withProof(s3 string) (*table, *[]string) {
	w.t.Helper()
	var mu sync.Mutex
	requests := &[]string{}
	store := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		*requests = append(*requests, r.Method+" "+r.URL.Path)
		out.Header().Set("Content-Type", "application/xml")
		out.WriteHeader(map[string]int{"AccessDenied": http.StatusForbidden}[s3] + map[string]int{"NoSuchKey": http.StatusNotFound, "NoSuchBucket": http.StatusNotFound}[s3])
		fmt.Fprintf(out, "<Error><Code>%s</Code><Message>it says %s</Message></Error>", s3, s3)
	}))
	w.t.Cleanup(store.Close)
	engine := &table{readonly: "0"}
	front, err := clickhouse.OpenFront(w.ctx(), clickhouse.FrontConfig{Engine: engine, User: "hefu", Password: "secret", Major: 26, Minor: 1, Revision: 54460})
	w.must(err)
	w.t.Cleanup(func() { _ = front.Close() })
	w.said.Journal = fmt.Sprintf("journal: {archive: {endpoint: %q, bucket: segments, region: r}}", store.URL)
	w.said.More = fmt.Sprintf("    lineage: {addresses: [%q], database: lin, user: hefu, password_file: %q}", front.Addr(), w.file("password", "secret\n", 0o600))
	return engine, requests
}

// signed puts into the data directory what a hefu of before left there.
func (w *world) signed() (key, file, tree string) {
	w.t.Helper()
	k, _, err := checkpoint.OpenKey(filepath.Join(w.said.DataDir, "hefu.key"))
	w.must(err)
	file = checkpoint.FilePath(w.said.DataDir)
	f, err := checkpoint.OpenFile(file)
	w.must(err)
	s := domain.Stream{Pipeline: "bridge", Leg: domain.LegHub}
	tree = checkpoint.TreePath(w.said.DataDir, domain.JournalID{1}, s)
	of, err := checkpoint.OpenTree(tree)
	w.must(err)
	defer of.Close()
	hash := domain.Hash{7}
	w.must(of.Append(hash))
	root, err := of.Root(1)
	w.must(err)
	h := checkpoint.Head{Journal: domain.JournalID{1}, Ref: domain.Ref{Stream: s, Seq: 1, Hash: hash}, Root: root}
	h.Note, err = checkpoint.Sign(k, h.Journal, h.Ref, root)
	w.must(err)
	w.must(f.Put(checkpoint.Kept{Head: h, Key: k.VerifierKey()}))
	return filepath.Join(w.said.DataDir, "hefu.key"), file, tree
}

// What vouches for the journal, the archive and the lineage are looked at, and nothing is
// changed there: SELECT and SHOW, GET and HEAD, and no file is made or touched.
func TestProofIsAskedWithoutATrace(t *testing.T) {
	w := newWorld(t).start()
	engine, requests := w.withProof("NoSuchKey")
	w.signed()
	before := files(t, w.said.DataDir)
	r := w.examine()
	if bad := append(lines(r, doctor.Bad), lines(r, doctor.Unknown)...); len(bad) > 0 {
		t.Errorf("%q\n%s", bad, dump(r))
	}
	for check, found := range map[string]string{
		"archive: bucket *": "lets us read", "lineage bridge: table lin.hefu_lineage": "the first start makes both", "lineage bridge: rights": "granted",
		"lineage bridge: server *": " 26.1.0 at ", "journal: key *": "by nobody else", "journal: checkpoints": "1 stream", "journal: trees": "1, each as long",
	} {
		if !slices.ContainsFunc(r.Checks, func(c doctor.Check) bool {
			return is(c.System+": "+c.Name, check) && c.Verdict == doctor.Good && strings.Contains(c.Found, found)
		}) {
			t.Errorf("no good %s with %q:\n%s", check, found, dump(r))
		}
	}
	for _, q := range engine.asked {
		if verb, _, _ := strings.Cut(q, " "); verb != "SELECT" && verb != "SHOW" {
			t.Errorf("ClickHouse was told %s", q)
		}
	}
	for _, q := range *requests {
		if method, _, _ := strings.Cut(q, " "); method != http.MethodGet && method != http.MethodHead {
			t.Errorf("the bucket was told %s", q)
		}
	}
	if len(engine.asked) < 3 || len(*requests) == 0 {
		t.Errorf("asked were %q and %q", engine.asked, *requests)
	}
	if after := files(t, w.said.DataDir); !slices.Equal(before, after) {
		t.Errorf("data_dir had %q and has %q", before, after)
	}
}

// A folder that is not there is not made, nor by looking into the journal.
func TestArchiveFolderIsNotMade(t *testing.T) {
	w := newWorld(t).start()
	dir := filepath.Join(t.TempDir(), "segments")
	w.said.Journal = fmt.Sprintf("journal: {archive: {dir: %q}}", dir)
	w.must(os.MkdirAll(filepath.Join(w.said.DataDir, "journal"), 0o750))
	w.must(os.WriteFile(filepath.Join(w.said.DataDir, "journal", "manifest.json"), []byte("{}"), 0o600))
	r := w.examine()
	if !slices.ContainsFunc(r.Checks, func(c doctor.Check) bool {
		return c.System == "archive" && c.Name == "folder "+dir && c.Verdict == doctor.Good && strings.Contains(c.Found, "the first start makes it")
	}) {
		t.Errorf("no word of the folder:\n%s", dump(r))
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the archive's folder was made: %v", err)
	}
}

// files are all files below a folder with their sizes and times.
func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			out = append(out, fmt.Sprint(path, info.Mode(), info.Size(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func proofFaults() []fault {
	proven := func(s3 string, then func(*world, *table)) func(*world) {
		return func(w *world) {
			engine, _ := w.withProof(s3)
			if then != nil {
				then(w, engine)
			}
		}
	}
	write := func(path string) func(*world) {
		return func(w *world) {
			_, file, tree := w.signed()
			w.must(os.WriteFile(map[string]string{"file": file, "tree": tree}[path], []byte("{}"), 0o600))
		}
	}
	return []fault{
		{"key for all", nil, func(w *world) {
			key, _, _ := w.signed()
			w.must(os.Chmod(key, 0o644))
		}, doctor.Bad, "journal: key *", "mode 0644"},
		{"no key", nil, func(w *world) {
			key, _, _ := w.signed()
			w.must(os.WriteFile(key, []byte("x"), 0o600))
		}, doctor.Bad, "journal: key *", "malformed"},
		{"key lost", nil, func(w *world) {
			key, _, _ := w.signed()
			w.must(os.Remove(key))
		}, doctor.Note, "journal: key *", "makes another one"},
		{"key in data_dir", nil, nil, doctor.Note, "journal: place of the key", "in data_dir"},
		{"checkpoints damaged", nil, write("file"), doctor.Bad, "journal: checkpoints", "is not as it was written"},
		{"tree short", nil, write("tree"), doctor.Note, "journal: trees", "bridge.0.hub"},
		{"no bucket", nil, proven("NoSuchBucket", nil), doctor.Bad, "archive: bucket *", "it says NoSuchBucket"},
		{"bucket denied", nil, proven("AccessDenied", nil), doctor.Bad, "archive: bucket *", "it says AccessDenied"},
		{"archive is a file", nil, func(w *world) {
			w.said.Journal = fmt.Sprintf("journal: {archive: {dir: %q}}", w.file("archive", "", 0o600))
		}, doctor.Bad, "archive: folder *", "is no folder"},
		{"ClickHouse login", nil, proven("NoSuchKey", func(w *world, _ *table) {
			w.said.More = strings.Replace(w.said.More, "user: hefu", "user: nobody", 1)
		}), doctor.Bad, "lineage bridge: server *", "Wrong password for user nobody"},
		{"ClickHouse readonly", nil, proven("NoSuchKey", func(_ *world, e *table) { e.readonly = "1" }), doctor.Bad, "lineage bridge: rights", "readonly = 1"},
	}
}
