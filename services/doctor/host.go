package doctor

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/hefu-io/hefu/services/config"
)

// fileKind is what a file of the configuration holds.
type fileKind uint8

const (
	secretFile      fileKind = 1 // password, keytab, key, credentials: for one reader
	certificateFile fileKind = 2
	otherFile       fileKind = 3
)

// askHost looks at this host.
func askHost(_ context.Context, cfg *config.Config) hostFacts {
	f := hostFacts{dir: cfg.DataDir}
	f.disk, f.diskErr = diskOf(existing(cfg.DataDir))
	f.soft, f.hard, f.limitErr = descriptors()
	seen := map[string]bool{}
	walkPaths("", reflect.ValueOf(cfg).Elem(), func(key, path string) {
		if !seen[path] && key != signingKey {
			seen[path] = true
			f.paths = append(f.paths, lookAt(key, path))
		}
	})
	return f
}

// signingKey is the one file that need not be there: askSigning looks at it.
const signingKey = "journal.checkpoint.key_file"

// existing is the path itself or its nearest folder that is there.
func existing(path string) string {
	for {
		_, err := os.Stat(path)
		up := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || up == path {
			return path
		}
		path = up
	}
}

// walkPaths calls do with every file that a configuration names: the keys say it by
// their names, so a new one is looked at as well.
func walkPaths(at string, v reflect.Value, do func(key, path string)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walkPaths(at, v.Elem(), do)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkPaths(fmt.Sprintf("%s[%d]", at, i), v.Index(i), do)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			name, option, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			switch {
			case !field.IsExported() || name == "-" || name == "" && option != "inline":
			case v.Field(i).Kind() == reflect.String && namesFile(name):
				if path := v.Field(i).String(); path != "" {
					do(strings.TrimPrefix(at+"."+name, "."), path)
				}
			case name == "":
				walkPaths(at, v.Field(i), do)
			default:
				walkPaths(at+"."+name, v.Field(i), do)
			}
		}
	default:
	}
}

func namesFile(key string) bool {
	return strings.HasSuffix(key, "_file") || key == "keytab" || key == "krb5_conf"
}

func kindOfFile(key string) fileKind {
	switch name := key[strings.LastIndexByte(key, '.')+1:]; {
	case name == "ca_file" || name == "cert_file":
		return certificateFile
	case strings.Contains(name, "key") || strings.Contains(name, "password") || strings.Contains(name, "credentials") || strings.Contains(name, "jaas"):
		return secretFile
	default:
		return otherFile
	}
}

func lookAt(key, path string) pathFacts {
	f := pathFacts{key: key, path: path, kind: kindOfFile(key)}
	text, err := os.ReadFile(path)
	if err != nil {
		f.err = err
		return f
	}
	info, err := os.Stat(path)
	if err != nil {
		f.err = err
		return f
	}
	f.mode = uint32(info.Mode().Perm())
	if f.kind == certificateFile {
		f.expires, f.subject, f.err = firstExpiry(text)
	}
	return f
}

// firstExpiry is the earliest end of the certificates in a PEM file, and whose it is.
func firstExpiry(text []byte) (at time.Time, subject string, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return at, "", fmt.Errorf("a certificate in it: %w", err)
		}
		if at.IsZero() || c.NotAfter.Before(at) {
			at, subject = c.NotAfter, c.Subject.String()
		}
	}
	if at.IsZero() {
		return at, "", errors.New("no PEM certificate in it")
	}
	return at, subject, nil
}
