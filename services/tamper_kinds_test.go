package services_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tampering is one harm done to a copy of a data directory.
type tampering struct {
	m      *tampered
	rng    *rand.Rand
	dir    string
	what   string // what was done, for people
	failed error  // it could not be done: a mistake of the test
}

// kind is a kind of harm.
type kind struct {
	name string
	do   func(*tampering)
}

// Where things lie in a data directory.
const (
	streams     = "journal/nats/jetstream/$G/streams"
	blocks      = streams + "/*/msgs/*.blk"
	indexes     = streams + "/*/msgs/index.db"
	metas       = streams + "/*/meta.*"
	manifest    = "journal/manifest.json"
	trees       = "trees/*/*.tree"
	checkpoints = "checkpoints"
	signingKey  = "hefu.key"
	archived    = "archive/*/*/*" // of those, the files of segments that the store has not any more
)

// tamperings are the kinds, each in the share that it has of all cases.
func tamperings() (out []kind) {
	for range 4 {
		out = append(out, kind{"bit of a block flipped", flip(blocks)}, kind{"bit of a block flipped, no index", then(flip(blocks), withoutIndex)})
	}
	out = append(out,
		kind{"bit of an index flipped", flip(indexes)},
		kind{"bit of a stream's settings file flipped", flip(metas)},
		kind{"bit of the manifest flipped", flip(manifest)},
		kind{"bit of the checkpoints flipped", flip(checkpoints)},
		kind{"bit of a tree flipped", flip(trees)},
		kind{"bit of an archive file flipped", flip(archived)},
		kind{"bit of the key flipped", flip(signingKey)},
		kind{"block zeroed in part", zero},
		kind{"block cut", cut(blocks)},
		kind{"block cut, no index", then(cut(blocks), withoutIndex)},
		kind{"other file cut", either(cut(indexes), cut(metas), cut(manifest), cut(checkpoints), cut(trees), cut(archived), cut(signingKey))},
		kind{"block deleted", remove(blocks)},
		kind{"block deleted, no index", then(remove(blocks), withoutIndex)},
		kind{"segment deleted", remove(streams + "/*")},
		kind{"stream deleted", removeStream},
		kind{"index deleted", remove(indexes)},
		kind{"other file deleted", either(remove(metas), remove(manifest), remove(checkpoints), remove(trees), remove(archived), remove(signingKey))},
		kind{"store or journal deleted", either(remove("journal/nats"), remove("journal"), thenRemove("journal", checkpoints), thenRemove("journal", checkpoints, "trees"))},
		kind{"store restored", restored("journal")},
		kind{"store restored, nothing beside it", func(c *tampering) { restored("journal")(c); c.beside(checkpoints, "trees", signingKey) }},
		kind{"store restored, with checkpoints", restored("journal", checkpoints)},
		kind{"store restored, with checkpoints and trees", restored("journal", checkpoints, "trees")},
		kind{"everything restored", restored(".")},
		kind{"everything restored, hub idle since", restoredIdle},
		kind{"block of an earlier copy", restoredBlock},
		kind{"another journal's store", foreign("journal")},
		kind{"another journal's stream", foreignStream},
		kind{"another journal's block", foreignBlock},
		kind{"two segments exchanged", exchanged},
	)
	return append(out, natsTamperings()...)
}

// witnesses are who has to notice where no other check could be relied on: others may do so
// today, and not where the hub was idle or a pipeline has none.
var witnesses = map[string]string{
	"bit of the checkpoints flipped":             byFile,
	"bit of a tree flipped":                      byTree,
	"store restored":                             byFile,
	"store restored, with checkpoints":           byTree,
	"store restored, nothing beside it":          byHub,
	"store restored, with checkpoints and trees": byHub,
	"everything restored":                        byHub,
	"everything restored, hub idle since":        byHub,
	"rewritten, without checkpoints and trees":   byControl,
}

// then does one after the other to the same file.
func then(do func(*tampering), more func(*tampering)) func(*tampering) {
	return func(c *tampering) { do(c); more(c) }
}

// either does one of several.
func either(list ...func(*tampering)) func(*tampering) {
	return func(c *tampering) { list[c.rng.IntN(len(list))](c) }
}

func (c *tampering) fail(err error) bool {
	if err != nil && c.failed == nil {
		c.failed = err
	}
	return err != nil
}

// pick takes one of the files of a pattern.
func (c *tampering) pick(pattern string) string {
	list, err := filepath.Glob(filepath.Join(c.dir, pattern))
	list = slices.DeleteFunc(list, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Size() == 0 || pattern == archived && !slices.Contains(c.m.gone, strings.TrimPrefix(c.rel(path), "archive/"))
	})
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("no file is like %s", pattern)
	}
	if c.fail(err) {
		return ""
	}
	slices.Sort(list)
	return list[c.rng.IntN(len(list))]
}

// change picks a file and changes its bytes, at a place that is given as a share of its length.
func (c *tampering) change(pattern, how string, change func(b []byte, at int) []byte) {
	path := c.pick(pattern)
	b, err := os.ReadFile(path)
	if c.fail(err) {
		return
	}
	at := int(c.rng.Float64() * float64(len(b)))
	c.what = fmt.Sprintf("%s %s at %d of %d", how, c.rel(path), at, len(b))
	c.fail(os.WriteFile(path, change(b, at), 0o600))
}

func (c *tampering) rel(path string) string { return strings.TrimPrefix(path, c.dir+"/") }

func flip(pattern string) func(*tampering) {
	return func(c *tampering) {
		c.change(pattern, "flip", func(b []byte, at int) []byte { b[at] ^= 1 << c.rng.IntN(8); return b })
	}
}

func cut(pattern string) func(*tampering) {
	return func(c *tampering) { c.change(pattern, "cut", func(b []byte, at int) []byte { return b[:at] }) }
}

func zero(c *tampering) {
	c.change(blocks, "zero", func(b []byte, at int) []byte {
		clear(b[at:min(len(b), at+1+c.rng.IntN(500))])
		return b
	})
}

// withoutIndex takes the indexes away: as it is after a kill, when the server reads the blocks.
func withoutIndex(c *tampering) {
	list, err := filepath.Glob(filepath.Join(c.dir, indexes))
	c.fail(err)
	for _, path := range list {
		c.fail(os.Remove(path))
	}
	c.what += ", and all indexes away"
}

func remove(pattern string) func(*tampering) {
	return func(c *tampering) {
		path := c.pick(pattern)
		c.what = "remove " + c.rel(path)
		c.fail(os.RemoveAll(path))
	}
}

func thenRemove(paths ...string) func(*tampering) {
	return func(c *tampering) {
		c.what = "remove " + strings.Join(paths, ", ")
		for _, p := range paths {
			c.fail(os.RemoveAll(filepath.Join(c.dir, p)))
		}
	}
}

// removeStream takes all segments of a stream away.
func removeStream(c *tampering) {
	path := c.pick(streams + "/*")
	name := path[:strings.LastIndex(path, "_")]
	list, err := filepath.Glob(name + "_*")
	c.fail(err)
	c.what = "remove " + c.rel(name)
	for _, p := range list {
		c.fail(os.RemoveAll(p))
	}
}

// put puts what lies in another data directory in the place of what is here.
func (c *tampering) put(from string, paths ...string) {
	for _, p := range paths {
		to := filepath.Join(c.dir, p)
		info, err := os.Stat(filepath.Join(from, p))
		if c.fail(err) || c.fail(os.RemoveAll(to)) {
			return
		}
		if info.IsDir() {
			c.fail(os.CopyFS(to, os.DirFS(filepath.Join(from, p))))
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, p))
		c.fail(err)
		c.fail(os.WriteFile(to, b, 0o600))
	}
}

func restored(paths ...string) func(*tampering) {
	return func(c *tampering) {
		at := c.rng.IntN(len(c.m.earlier))
		c.what = fmt.Sprintf("restore %s of copy %d", strings.Join(paths, ", "), at)
		c.put(c.m.earlier[at], paths...)
	}
}

func restoredIdle(c *tampering) {
	c.what = "restore everything as it was before an idle run"
	c.put(c.m.earlier[len(c.m.earlier)-1], ".")
}

func foreign(paths ...string) func(*tampering) {
	return func(c *tampering) {
		c.what = "put " + strings.Join(paths, ", ") + " of another journal here"
		c.put(c.m.foreign, paths...)
		if c.rng.IntN(2) == 0 {
			c.beside(checkpoints, "trees")
		}
	}
}

// common picks a file of a pattern that another data directory has, too, with other bytes.
func (c *tampering) common(other, pattern string) string {
	list, err := filepath.Glob(filepath.Join(c.dir, pattern))
	c.fail(err)
	slices.Sort(list)
	list = slices.DeleteFunc(list, func(path string) bool {
		_, err := os.Stat(filepath.Join(other, c.rel(path)))
		return err != nil
	})
	if len(list) == 0 {
		c.fail(fmt.Errorf("%s: %w", pattern, fs.ErrNotExist))
		return ""
	}
	return c.rel(list[c.rng.IntN(len(list))])
}

func restoredBlock(c *tampering) {
	from := c.m.earlier[c.rng.IntN(len(c.m.earlier))]
	path := c.common(from, blocks)
	c.what = "restore " + path
	c.put(from, path)
	if c.rng.IntN(2) == 0 {
		withoutIndex(c)
	}
}

func foreignStream(c *tampering) {
	path := c.common(c.m.foreign, streams+"/*")
	c.what = "put another journal's " + path + " here"
	c.put(c.m.foreign, path)
}

func foreignBlock(c *tampering) {
	path := c.common(c.m.foreign, blocks)
	c.what = "put another journal's " + path + " here"
	c.put(c.m.foreign, path)
	if c.rng.IntN(2) == 0 {
		withoutIndex(c)
	}
}

// exchanged exchanges the blocks of two segments.
func exchanged(c *tampering) {
	a, b := c.pick(blocks), c.pick(blocks)
	for a == b {
		b = c.pick(blocks)
	}
	c.what = fmt.Sprintf("exchange %s and %s", c.rel(a), c.rel(b))
	c.fail(os.Rename(a, a+".x"))
	c.fail(os.Rename(b, a))
	c.fail(os.Rename(a+".x", b))
	withoutIndex(c)
}

// beside takes away what lies beside the store and remembers it.
func (c *tampering) beside(what ...string) {
	for _, p := range what {
		c.fail(os.RemoveAll(filepath.Join(c.dir, p)))
	}
	if len(what) > 0 {
		c.what += ", and " + strings.Join(what, ", ") + " away"
	}
}
