package doris

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
)

const (
	lineBuffer = 256 << 10
	bom        = "\xef\xbb\xbf"
)

// body hands out the rows of a load as JSON texts or CSV lines, holding one line at a time (or, where the body is one
// JSON text, that text, of at most jsonBodyMax).
type body struct {
	count  counter
	r      *bufio.Reader
	byLine bool
	strip  bool
	delim  []byte
	csv    bool
	skip   int    // lines at the top that are no rows
	long   []byte // a line longer than the buffer
	array  jsonScanner
	inside bool // within array
	first  bool
	done   bool
}

// counter counts what came over the wire.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func openBody(r *http.Request, q *loadRequest) (*body, error) {
	b := &body{count: counter{r: r.Body}, byLine: q.byLine, strip: q.strip, delim: q.delimiter, first: true}
	if q.csv != nil {
		b.csv, b.byLine, b.strip, b.skip = true, true, false, q.csv.skip
	}
	var in io.Reader = &b.count
	if q.gzip {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("read gzip body: %w", err)
		}
		in = z
	}
	b.r = bufio.NewReaderSize(in, lineBuffer)
	return b, nil
}

// next is the next row's text, good until the call after; io.EOF ends. A *rowError is about one text and leaves the
// body readable.
func (b *body) next() ([]byte, error) {
	for {
		if b.inside {
			return b.element()
		}
		text, err := b.text()
		if err != nil {
			return nil, err
		}
		if b.first {
			text = bytes.TrimPrefix(text, []byte(bom))
			b.first = false
		}
		if b.skip > 0 {
			b.skip--
			continue
		}
		if b.empty(text) {
			continue
		}
		if !b.strip {
			return text, nil
		}
		b.array.reset(text)
		if !b.array.take('[') {
			return text, &rowError{text: "JSON data is not an array-object, `strip_outer_array` must be FALSE."}
		}
		b.inside = !b.array.take(']')
	}
}

// empty says whether a line is none. To JSON white space is nothing; in CSV it is a field.
func (b *body) empty(text []byte) bool {
	return len(text) == 0 || !b.csv && len(bytes.TrimSpace(text)) == 0
}

// element cuts the next row out of an array.
func (b *body) element() ([]byte, error) {
	b.array.space()
	from := b.array.at
	if _, err := b.array.value(); err != nil {
		b.inside = false
		return b.array.in[from:], errMalformed
	}
	row := b.array.in[from:b.array.at]
	switch {
	case b.array.take(','):
	case b.array.take(']'):
		b.inside = false
	default:
		b.inside = false
		return row, errMalformed
	}
	return row, nil
}

// text is the next line, or the whole body.
func (b *body) text() ([]byte, error) {
	if !b.byLine {
		if b.done {
			return nil, io.EOF
		}
		b.done = true
		all, err := io.ReadAll(io.LimitReader(b.r, jsonBodyMax+1))
		if err == nil && len(all) > jsonBodyMax {
			err = tooLarge(int64(len(all)))
		}
		return all, err
	}
	return b.line()
}

// line reads up to the delimiter, which may have several bytes, and leaves it out. Before the usual one a carriage
// return is left out too.
func (b *body) line() ([]byte, error) {
	end := b.delim[len(b.delim)-1]
	line, err := b.r.ReadSlice(end)
	if errors.Is(err, bufio.ErrBufferFull) || err == nil && !bytes.HasSuffix(line, b.delim) {
		b.long = append(b.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) || err == nil && !bytes.HasSuffix(b.long, b.delim) {
			line, err = b.r.ReadSlice(end)
			if b.long = append(b.long, line...); len(b.long) > jsonBodyMax {
				return nil, tooLarge(int64(len(b.long)))
			}
		}
		line = b.long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	line = bytes.TrimSuffix(line, b.delim)
	if string(b.delim) == "\n" {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	return line, err
}
