package realkdc

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the paths of what is run.
type programs struct{ krb5kdc, kadmin, kdb5util string }

func find() (programs, error) {
	var p programs
	for name, path := range map[string]*string{"krb5kdc": &p.krb5kdc, "kadmin.local": &p.kadmin, "kdb5_util": &p.kdb5util} {
		for _, at := range []string{name, filepath.Join("/usr/sbin", name)} { // which is not on everybody's path
			if found, err := exec.LookPath(at); err == nil {
				*path = found
			}
		}
		if *path == "" {
			return p, fmt.Errorf("%w: %s is not there", ErrNotInstalled, name)
		}
	}
	return p, nil
}

// AddKeytab makes a principal with random keys and returns the path of a keytab with them.
func (k *KDC) AddKeytab(ctx context.Context, principal string) (path string, err error) {
	if err := k.admin(ctx, "addprinc", "-randkey", "-maxlife", k.seconds(), "-maxrenewlife", k.seconds(), principal); err != nil {
		return "", err
	}
	return k.Keytab(ctx, principal)
}

// Keytab gives a principal that is there new keys, and returns the path of a keytab with them: those that were made
// before are stale.
func (k *KDC) Keytab(ctx context.Context, principal string) (path string, err error) {
	f, err := os.CreateTemp(k.dir, strings.ReplaceAll(principal, "/", "-")+"-*.keytab")
	if err != nil {
		return "", err
	}
	path = f.Name()
	if err := f.Close(); err != nil {
		return "", err
	}
	if err := os.Remove(path); err != nil { // an empty file is no keytab to add to
		return "", err
	}
	return path, k.admin(ctx, "ktadd", "-k", path, principal)
}

// AddPassword makes a principal with a password.
func (k *KDC) AddPassword(ctx context.Context, principal, password string) error {
	return k.admin(ctx, "addprinc", "-pw", password, "-maxlife", k.seconds(), "-maxrenewlife", k.seconds(), principal)
}

// admin runs one command of kadmin.local on the database. A command that is its arguments, unlike one after -q, has an
// exit code.
func (k *KDC) admin(ctx context.Context, args ...string) error {
	return k.run(ctx, k.programs.kadmin, append([]string{"-r", k.realm}, args...)...)
}

func (k *KDC) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = k.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s in %s: %w: %s", filepath.Base(program), args[0], k.dir, err, bytes.TrimSpace(out))
	}
	return nil
}

// environment leads the programs to our files, and to none of the system's.
func (k *KDC) environment() []string {
	return append(os.Environ(), "KRB5_CONFIG="+k.Conf(), "KRB5_KDC_PROFILE="+k.file("kdc.conf"))
}
