package doctor

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/config"
)

func TestHost(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		what string
		host hostFacts
		want judged
	}{
		{"disk", hostFacts{disk: &diskFacts{free: 6, size: 100, inodes: 6, inodesSize: 100}}, judged{"disk of ", Good, ""}},
		{"little disk", hostFacts{disk: &diskFacts{free: 4, size: 100, inodes: 6, inodesSize: 100}}, judged{"disk of ", Note, "4 B of 100 B free"}},
		{"few inodes", hostFacts{disk: &diskFacts{free: 6, size: 100, inodes: 4, inodesSize: 100}}, judged{"disk of ", Note, "4 of 100 inodes"}},
		{"no inodes to count", hostFacts{disk: &diskFacts{free: 6, size: 100}}, judged{"disk of ", Good, ""}},
		{"files", hostFacts{soft: 4096, hard: 4096}, judged{"open files", Good, "4096"}},
		{"few files", hostFacts{soft: 1024, hard: 4096}, judged{"open files", Note, "1024"}},
		{"no file", hostFacts{paths: []pathFacts{{key: "k", path: "/p", kind: secretFile, err: errors.New("no such file")}}}, judged{"file /p", Bad, "no such file"}},
		{"secret of a group", hostFacts{paths: []pathFacts{{path: "/p", kind: secretFile, mode: 0o640}}}, judged{"files", Good, "1 configured file"}},
		{"secret for all", hostFacts{paths: []pathFacts{{path: "/p", kind: secretFile, mode: 0o644}}}, judged{"file /p", Bad, "mode 0644"}},
		{"public file", hostFacts{paths: []pathFacts{{path: "/p", kind: otherFile, mode: 0o644}}}, judged{"files", Good, ""}},
		{"certificate", hostFacts{paths: []pathFacts{{path: "/p", kind: certificateFile, mode: 0o644, expires: noon.Add(31 * day)}}}, judged{"files", Good, "ends in 31 d 0 h"}},
		{"certificate ends", hostFacts{paths: []pathFacts{{path: "/p", kind: certificateFile, expires: noon.Add(29 * day), subject: "CN=a"}}}, judged{"file /p", Note, "ends in 29 d 0 h (CN=a)"}},
		{"certificate ended", hostFacts{paths: []pathFacts{{path: "/p", kind: certificateFile, expires: noon.Add(-time.Minute)}}}, judged{"file /p", Bad, "ended 1 min 0 s ago"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var s system
			c.host.judge(&s, noon)
			c.want.demand(t, s.checks)
		})
	}
}

// Every key that names a file is found, by its name and whatever block it is in: a key
// that is added later is looked at as well.
func TestFilesOfTheConfiguration(t *testing.T) {
	var keys []string
	cfg := config.Config{Pipelines: []config.Pipeline{{Doris: new(config.Doris), Sources: []config.Source{{}}}}}
	fill(reflect.ValueOf(&cfg).Elem())
	walkPaths("", reflect.ValueOf(&cfg).Elem(), func(key, path string) {
		if path != "set" {
			t.Errorf("%s is %q", key, path)
		}
		keys = append(keys, key)
	})
	for _, want := range []string{
		"journal.credentials_file", "journal.ca_file", "pipelines[0].hub.tls.ca_file", "pipelines[0].hub.sasl.password_file",
		"pipelines[0].doris.password_file", "pipelines[0].doris.user_file", "pipelines[0].doris.tls.key_file", "pipelines[0].sources[0].sasl.password_file", "pipelines[0].sources[0].tls.cert_file",
	} {
		if !slices.Contains(keys, want) {
			t.Errorf("no %s in %q", want, keys)
		}
	}
	for _, key := range keys {
		kind := kindOfFile(key)
		secret := strings.Contains(key, "password") || strings.Contains(key, "key") || strings.Contains(key, "credentials")
		if secret != (kind == secretFile) {
			t.Errorf("%s is of kind %d", key, kind)
		}
	}
}

// fill sets every text, and makes what pointers point to.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i))
			}
		}
	case reflect.String:
		v.SetString("set")
	default:
	}
}
