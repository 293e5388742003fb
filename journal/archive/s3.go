package archive

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config is a bucket and how it is reached.
type S3Config struct {
	Endpoint  string // http://host[:port] or https://host[:port]
	Region    string // empty: asked
	Bucket    string // must exist
	Prefix    string // of the names
	AccessKey string // empty: without a login
	SecretKey string
	TLS       *tls.Config   // nil: the system's authorities
	Timeout   time.Duration // of one request; 0: 1 min
	Attempts  int           // of one request; 0: 3
}

// partBytes is what one request carries: a file is put in parts and comes to be with the
// last request, as a whole. It is held in memory.
const partBytes = 16 << 20

// S3 is a bucket of an S3-compatible store.
type S3 struct {
	c         S3Config
	core      *minio.Core
	transport *http.Transport
}

// OpenS3 makes a bucket a place. Nothing is asked of it yet: an archive that does not
// answer must not keep a journal from being opened.
func OpenS3(c S3Config) (*S3, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("archive endpoint: %w", err)
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Minute
	}
	if c.Attempts <= 0 {
		c.Attempts = 3
	}
	transport, err := minio.DefaultTransport(u.Scheme == "https")
	if err != nil {
		return nil, fmt.Errorf("archive endpoint: %w", err)
	}
	if c.TLS != nil {
		transport.TLSClientConfig = c.TLS
	}
	o := &minio.Options{
		Secure: u.Scheme == "https", Region: c.Region, MaxRetries: c.Attempts, Transport: bounded{transport, c.Timeout},
		BucketLookup: minio.BucketLookupAuto, // in the path, but for the clouds that want it in the host
	}
	if c.AccessKey != "" {
		o.Creds = credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	}
	core, err := minio.NewCore(u.Host, o)
	if err != nil {
		return nil, fmt.Errorf("archive endpoint %s: %w", c.Endpoint, err)
	}
	return &S3{c, core, transport}, nil
}

// Close gives idle connections back.
func (s *S3) Close() { s.transport.CloseIdleConnections() }

// String implements Place.
func (s *S3) String() string {
	return fmt.Sprintf("bucket %s of %s", path.Join(s.c.Bucket, s.c.Prefix), s.c.Endpoint)
}

func (s *S3) key(name string) string { return path.Join(s.c.Prefix, name) }

// Put implements Place. That no file is written over is the server's word where it knows
// the condition; one that does not is looked at before.
func (s *S3) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	err := s.put(ctx, name, write, true)
	if answer(err).Code == minio.NotImplemented {
		err = s.put(ctx, name, write, false)
	}
	return err
}

func (s *S3) put(ctx context.Context, name string, write func(io.Writer) error, guarded bool) error {
	if _, err := s.Size(ctx, name); err == nil {
		return fmt.Errorf("put %s: %w", s.key(name), ErrExists)
	}
	// What a process that died had sent of this very file would lie there, unseen, for
	// ever. It is tidiness: not every server lists it.
	_ = s.core.RemoveIncompleteUpload(ctx, s.c.Bucket, s.key(name))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, to := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(to)
		if err != nil {
			// Never an io.EOF, which would be the file's end.
			err = fmt.Errorf("not written to its end: %w", err)
			cancel()
		}
		_ = to.CloseWithError(err)
		written <- err
	}()
	// What arrived is read back and compared: it need not be hashed twice more on its way.
	o := minio.PutObjectOptions{PartSize: partBytes, ContentType: "application/zstd", DisableContentSha256: true}
	if guarded {
		o.SetMatchETagExcept("*")
	}
	_, err := s.core.Client.PutObject(ctx, s.c.Bucket, s.key(name), from, -1, o)
	_ = from.CloseWithError(io.ErrClosedPipe) // the writer ends, whatever became of it
	if werr := <-written; werr != nil && !errors.Is(werr, io.ErrClosedPipe) {
		return errors.Unwrap(werr)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", s.key(name), of(err))
	}
	return nil
}

// Size implements Place.
func (s *S3) Size(ctx context.Context, name string) (int64, error) {
	info, err := s.core.StatObject(ctx, s.c.Bucket, s.key(name), minio.StatObjectOptions{})
	return info.Size, of(err)
}

// Read implements Place.
func (s *S3) Read(ctx context.Context, name string, offset int64, n int) ([]byte, error) {
	o := minio.GetObjectOptions{}
	if err := o.SetRange(offset, offset+int64(n)-1); err != nil {
		return nil, err
	}
	// The client repeats requests, but not an answer that breaks off within.
	var err error
	for range s.c.Attempts {
		var body io.ReadCloser
		if body, _, _, err = s.core.GetObject(ctx, s.c.Bucket, s.key(name), o); err != nil {
			return nil, of(err)
		}
		b := bytes.NewBuffer(make([]byte, 0, n))
		_, err = io.Copy(b, io.LimitReader(body, int64(n)))
		if err = errors.Join(err, body.Close()); err == nil {
			return b.Bytes(), nil
		}
	}
	return nil, err
}

// answer is what the server said, if it said something.
func answer(err error) (r minio.ErrorResponse) {
	errors.As(err, &r)
	return r
}

// of says what an answer means.
func of(err error) error {
	if err == nil {
		return nil
	}
	switch r := answer(err); {
	case r.Code == "NoSuchKey", r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket":
		return fmt.Errorf("%w: %w", ErrNoFile, err)
	case r.StatusCode == http.StatusPreconditionFailed, r.StatusCode == http.StatusConflict:
		return fmt.Errorf("%w: %w", ErrExists, err)
	default:
		return err
	}
}

// bounded ends requests that take too long: their bodies are a part or a block.
type bounded struct {
	http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), b.timeout)
	resp, err := b.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &closing{resp.Body, cancel}
	return resp, nil
}

// closing ends the time of a request with its answer.
type closing struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (c *closing) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}
