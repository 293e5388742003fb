package checkpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/journal/durable"
)

// KeyName is the name that a key of Hefu has in its notes. Keys are told apart by the hash
// beside it.
const KeyName = "hefu.io/journal"

// Key signs checkpoints and reports.
type Key struct {
	note.Signer
	verifier string
}

// VerifierKey is the public half as sumdb/note writes it: what an auditor is given.
func (k *Key) VerifierKey() string { return k.verifier }

// OpenKey reads the key in a file, and makes one where there is none: Ed25519, in the text
// form of sumdb/note, readable by its owner only, with the public half in <path>.pub beside
// it. made says that it did. Of two processes that make it at once one wins, and both have
// its key. A key that is there is durable. Errors: that it cannot be read, or is none.
func OpenKey(path string) (k *Key, made bool, err error) {
	k, err = readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if made, err = makeKey(path); err == nil {
			k, err = readKey(path)
		}
	}
	if err != nil {
		return nil, false, err
	}
	// The public half follows from the key: what is beside it is made good at each start.
	public := path + ".pub"
	if have, err := os.ReadFile(public); err != nil || string(have) != k.verifier+"\n" {
		if err := durable.ReplaceFile(public, []byte(k.verifier+"\n")); err != nil {
			return nil, false, fmt.Errorf("write the public key: %w", err)
		}
	}
	return k, made, nil
}

func readKey(path string) (*Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	text := strings.TrimSpace(string(b))
	signer, err := note.NewSigner(text)
	if err != nil {
		// The error of NewSigner has nothing of the key in it.
		return nil, fmt.Errorf("read the signing key %s: %w: put the key back from a copy; a new one cannot sign for the old", path, err)
	}
	verifier, err := verifierOf(text)
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	return &Key{signer, verifier}, nil
}

// makeKey makes a key under a name of its own and links it into place, which fails where
// there is one already.
func makeKey(path string) (made bool, err error) {
	private, _, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return false, fmt.Errorf("make a signing key: %w", err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return false, fmt.Errorf("make a signing key: %w", err)
	}
	whole, err := os.MkdirTemp(dir, ".key")
	if err != nil {
		return false, fmt.Errorf("make a signing key: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(whole)) }()
	from := filepath.Join(whole, "key")
	if err := durable.ReplaceFile(from, []byte(private+"\n")); err != nil {
		return false, fmt.Errorf("make a signing key: %w", err)
	}
	err = os.Link(from, path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	if err != nil {
		return false, fmt.Errorf("make a signing key: %w", err)
	}
	return true, nil
}

// verifierOf is the public half of a key in note's form: PRIVATE+KEY+<name>+<hash>+<base64>,
// where the last is the kind of key (1: Ed25519) and the seed.
func verifierOf(private string) (string, error) {
	fields := strings.SplitN(private, "+", 5)
	seed, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(fields) != 5 || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("it is no Ed25519 key")
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("it has no public half")
	}
	return note.NewEd25519VerifierKey(fields[2], public)
}
