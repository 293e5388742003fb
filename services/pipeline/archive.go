package pipeline

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/services/config"
)

// openArchive puts the archive behind the store, which is closed when that cannot be. A
// bucket is not asked for anything yet: readers of what was dropped are the first to need it.
func (s *Store) openArchive(c *config.Archive) error {
	place, err := OpenPlace(c)
	if err != nil {
		return errors.Join(err, s.close())
	}
	s.Archive = archive.New(s.Store, place)
	s.Store = s.Archive
	if bucket, ok := place.(*archive.S3); ok {
		before := s.close
		s.close = func() error { bucket.Close(); return before() }
	}
	return nil
}

// OpenPlace is where the archive is. A folder that is new is made; a bucket is asked nothing.
func OpenPlace(c *config.Archive) (archive.Place, error) {
	if c.Dir != "" {
		return archive.OpenLocal(c.Dir)
	}
	b := archive.S3Config{Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, Prefix: c.Prefix}
	var err error
	if c.TLS != nil {
		if b.TLS, err = c.TLS.Config(); err != nil {
			return nil, fmt.Errorf("journal.archive: %w", err)
		}
	}
	for _, secret := range []struct {
		file string
		to   *string
	}{{c.AccessKeyFile, &b.AccessKey}, {c.SecretKeyFile, &b.SecretKey}} {
		if secret.file == "" {
			continue
		}
		text, err := os.ReadFile(secret.file)
		if err != nil {
			return nil, fmt.Errorf("journal.archive: %w", err)
		}
		*secret.to = strings.TrimSpace(string(text))
	}
	return archive.OpenS3(b)
}
