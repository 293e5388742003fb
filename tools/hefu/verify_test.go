package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/report/reporttest"
)

// put writes a file into a folder of the test.
func put(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestVerify runs the command on reports of every outcome.
func TestVerify(t *testing.T) {
	plain(t)
	clean, rich, unread := reporttest.Clean(t), reporttest.Rich(t), reporttest.Clean(t)
	unread.Report.Unchecked = []report.Unchecked{{Where: "doris", Rows: 5, Why: "it is down"}}
	good, bad := put(t, "report.json", clean.Seal()), put(t, "bad.json", rich.Seal())
	unknown := put(t, "unknown.json", unread.Seal())
	forged := clean.Seal()
	forged[len(forged)/3] ^= 1
	broken := put(t, "forged.json", forged)
	key := put(t, "hefu.key.pub", []byte(clean.Key+"\n"))
	_, other := reporttest.Key(t, 99)
	tree := clean.Trees[domain.ControlStream(reporttest.Pipeline)]
	kept := func(size int64) string {
		b, err := checkpoint.EncodeKept([]checkpoint.Kept{{Key: clean.Key, Head: checkpoint.Head{Journal: tree.ID, Ref: domain.Ref(tree.Ref(size)), Root: tree.Root(size), Note: clean.Note(tree, size)}}})
		if err != nil {
			t.Fatal(err)
		}
		return put(t, "checkpoints", b)
	}
	rewritten := tree.Rewritten(5, 0)
	note := put(t, "note", []byte(clean.Note(rewritten, 280)))
	newer := put(t, "newer", []byte(clean.Note(tree.Rewritten(0, 9), tree.Size()+9)))
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"with a key file", []string{good, "--key", key}, exitGood, []string{"verifies", "which you gave", "not compared with a checkpoint", "the report says: verified"}},
		{"with the key", []string{good, "--key", other, "--key", clean.Key}, exitGood, []string{"which you gave"}},
		{"with nothing", []string{good}, exitGood, []string{"NOBODY VOUCHES FOR IT"}},
		{"with checkpoints", []string{good, "--key", key, "--checkpoint", kept(280)}, exitGood, []string{"all that it had at the checkpoints"}},
		{"with itself", []string{good, "--checkpoint", good}, exitGood, []string{"all that it had"}},
		{"diverged", []string{bad}, exitNotGood, []string{"bad.json verifies", "the report says: diverged: 10 findings"}},
		{"not checked", []string{unknown, "--key", key}, exitUnknown, []string{"verifies", "the report says: not checked: 5 rows"}},
		{"forged", []string{broken, "--key", key}, exitNotGood, []string{"does NOT verify"}},
		{"another key", []string{good, "--key", other}, exitNotGood, []string{"does NOT verify", "none of the keys"}},
		{"rewritten", []string{good, "--key", key, "--checkpoint", note}, exitNotGood, []string{"does NOT verify", "rewritten"}},
		{"older", []string{good, "--key", key, "--checkpoint", newer}, exitNotGood, []string{"does NOT verify", "older journal"}},
		{"unproven", []string{good, "--key", key, "--checkpoint", kept(290)}, exitUnknown, []string{"no proof in the report"}},
		{"no report", []string{"nowhere.json"}, exitUnknown, []string{"read the report"}},
		{"no key", []string{good, "--key", "nowhere.pub"}, exitUnknown, []string{"neither a public key nor a file"}},
		{"no checkpoints", []string{good, "--checkpoint", key}, exitUnknown, []string{"checkpoints"}},
		{"a private key", []string{good, "--key", "PRIVATE+KEY+a+b+c"}, exitUnknown, []string{"private key"}},
		{"a private key file", []string{good, "--key", put(t, "hefu.key", []byte("PRIVATE+KEY+x+y+secret\n"))}, exitUnknown, []string{"give ", ".pub"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := hefu(t, append([]string{"verify"}, c.args...)...).want(t, c.code)
			for _, want := range c.says {
				if !strings.Contains(e.stdout+e.stderr, want) {
					t.Errorf("no %q in\n%s%s", want, e.stdout, e.stderr)
				}
			}
			if strings.Contains(e.stdout+e.stderr, "secret") || strings.Contains(e.stdout+e.stderr, "PRIVATE+") {
				t.Errorf("it prints a private key: %s%s", e.stdout, e.stderr)
			}
		})
	}
	var said verificationJSON
	if err := json.Unmarshal([]byte(hefu(t, "verify", broken, "-o", "json").want(t, exitNotGood).stdout), &said); err != nil || said.Verifies || len(said.Problems) == 0 {
		t.Errorf("as JSON: %+v %v", said, err)
	}
	if err := json.Unmarshal([]byte(hefu(t, "verify", good, "-o", "json", "--key", key).want(t, exitGood).stdout), &said); err != nil || !said.Verifies || !said.Vouched || said.Verdict != domain.Verified {
		t.Errorf("as JSON: %+v %v", said, err)
	}
}

// TestReportCommands lists, shows and compares what was kept.
func TestReportCommands(t *testing.T) {
	plain(t)
	data := t.TempDir()
	file := put(t, "hefu.yaml", []byte("data_dir: "+data+`
pipelines:
  - name: jsc
    hub: {brokers: ["127.0.0.1:1"], topic: hub}
    sources:
      - {id: nanjing, city: "320100", brokers: ["127.0.0.1:1"], topic: city}
`))
	reports := report.InFolder(filepath.Join(data, report.Folder))
	if e := hefu(t, "report", "ls", "-c", file).want(t, exitGood); e.stdout != "" {
		t.Errorf("nothing was kept, and it lists %s", e.stdout)
	}
	var names []string
	for _, e := range []*reporttest.Example{reporttest.Rich(t), reporttest.Clean(t)} {
		kept, err := reports.Save(e.Seal())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, kept.Name)
	}
	ls := hefu(t, "report", "ls", "-c", file).want(t, exitGood).stdout
	if strings.Count(ls, "\n") != 2 || !strings.Contains(ls, names[0]) || !strings.Contains(ls, "jsc\tdiverged") {
		t.Errorf("listed %s", ls)
	}
	var entries []report.Entry
	if err := json.Unmarshal([]byte(hefu(t, "report", "ls", "-c", file, "-o", "json").want(t, exitGood).stdout), &entries); err != nil || len(entries) != 2 {
		t.Errorf("listed %+v %v", entries, err)
	}
	show := hefu(t, "report", "show", "-c", file, names[0]).want(t, exitGood).stdout
	if !strings.Contains(show, "verdict: diverged: 10 findings") || !strings.Contains(show, "320100") {
		t.Errorf("shown: %s", show)
	}
	path := filepath.Join(data, report.Folder, names[0]+".json")
	page, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".html")
	if err != nil {
		t.Fatal(err)
	}
	if html := hefu(t, "report", "html", path).want(t, exitGood).stdout; html != string(page) {
		t.Error("the page that was kept is not the one that is made anew")
	}
	diff := hefu(t, "report", "diff", "-c", file, names[0], names[1]).want(t, exitGood).stdout
	if !strings.Contains(diff, "gone: lost in hub") || !strings.Contains(diff, "(diverged) → ") {
		t.Errorf("compared: %s", diff)
	}
	if err := os.WriteFile(path, append(page, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := hefu(t, "report", "show", path).want(t, exitNotGood); !strings.Contains(e.stderr, "does not verify") {
		t.Errorf("a report that does not verify is shown: %s", e.stderr)
	}
	hefu(t, "report", "show", "-c", file, "20200101T000000Z_jsc_verified").want(t, exitUnknown)
}
