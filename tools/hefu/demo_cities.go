package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/devstack/stack"
)

// cityCode is a city of the original job: its code, and the name of its source.
type cityCode struct{ code, id, bridge string }

var cityCodes = [...]cityCode{
	{"320100", "nanjing", "南京长江大桥"},
	{"320200", "wuxi", "蠡湖大桥"},
	{"320300", "xuzhou", "和平大桥"},
	{"320400", "changzhou", "广化桥"},
	{"320500", "suzhou", "金鸡湖大桥"},
	{"320600", "nantong", "苏通长江公路大桥"},
	{"320700", "lianyungang", "海滨大桥"},
	{"320800", "huaian", "淮海路大桥"},
	{"320900", "yancheng", "通榆大桥"},
	{"321000", "yangzhou", "润扬长江公路大桥"},
	{"321100", "zhenjiang", "五峰山长江大桥"},
	{"321200", "taizhou", "泰州长江公路大桥"},
	{"320583", "kunshan", "玉峰大桥"},
}

// citySources are the topics of the first n cities.
func citySources(n int) []stack.Source {
	out := make([]stack.Source, n)
	for i := range out {
		c := cityCodes[i]
		out[i] = stack.Source{ID: c.id, City: c.code, Topic: "QL_JC_SSJC_" + c.code}
	}
	return out
}

// records are what one city sends, in order.
type records interface {
	count() int
	record(i int) []byte
}

// sensors makes up the rows of a bridge: the same for the same seed.
type sensors struct {
	bridge string
	rows   int
	seed   uint64
	began  time.Time
}

func (s *sensors) count() int { return s.rows }

func (s *sensors) record(i int) []byte {
	r := rand.New(rand.NewPCG(s.seed, uint64(i)))
	kinds := [...]struct{ code, unit string }{{"ACC", "m/s2"}, {"STR", "με"}, {"DSP", "mm"}, {"TMP", "℃"}}
	k := kinds[r.IntN(len(kinds))]
	at := s.began.Add(time.Duration(i) * 10 * time.Millisecond)
	return fmt.Appendf(nil, `{"bridge":"%s","sensor":"%s-%03d","time":"%s","value":%.4f,"unit":"%s","quality":%d,"note":"load \"%c\", lane %d"}`,
		s.bridge, k.code, r.IntN(200), at.Format("2006-01-02 15:04:05.000"), r.NormFloat64()*12, k.unit, r.IntN(4), 'A'+rune(r.IntN(5)), r.IntN(6))
}

// lines are the records of a file: what lies between line feeds, every other byte kept.
type lines [][]byte

func (l lines) count() int          { return len(l) }
func (l lines) record(i int) []byte { return l[i] }

// splitLines cuts a file into records. A last line without a line feed is one, too.
func splitLines(text []byte) lines {
	text, _ = bytes.CutSuffix(text, []byte{'\n'})
	if len(text) == 0 {
		return nil
	}
	return bytes.Split(text, []byte{'\n'})
}

// readFiles makes each file of a directory a city's records, in the order of their
// names. What only describes the others is left out.
func readFiles(dir string) (names []string, all []records, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || about(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, nil, err
		}
		if l := splitLines(text); len(l) > 0 {
			names, all = append(names, e.Name()), append(all, l)
		}
	}
	switch {
	case len(all) == 0:
		return nil, nil, fmt.Errorf("%s holds no file with a line in it", dir)
	case len(all) > len(cityCodes):
		return nil, nil, fmt.Errorf("%s holds %d files and there are %d cities; one file is one city", dir, len(all), len(cityCodes))
	}
	return names, all, nil
}

func about(name string) bool {
	for _, p := range []string{".", "LICENSE", "README", "SOURCE"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// made makes up the rows of some cities, n in all.
func made(cities, n int, seed uint64) []records {
	began := time.Now().Truncate(time.Second)
	out := make([]records, cities)
	for i := range out {
		rows := n / cities
		if i < n%cities {
			rows++
		}
		out[i] = &sensors{bridge: cityCodes[i].bridge, rows: rows, seed: seed + uint64(i), began: began}
	}
	return out
}
