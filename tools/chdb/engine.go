package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go/proto"
	chdb "github.com/chdb-io/chdb-go/chdb-purego"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

// revision is of the protocol that is spoken: the newest whose blocks look like those of the
// format Native without a protocol, which is what the engine reads and writes.
const revision = 54453

// engine is libchdb behind a Front. It does one thing at a time.
type engine struct {
	dir string

	mu   sync.Mutex
	conn chdb.ChdbConn
}

func openEngine(dir string) (*engine, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	conn, err := chdb.NewConnectionFromConnString(filepath.Join(dir, "data"))
	if err != nil {
		return nil, fmt.Errorf("open chdb in %s: %w", dir, err)
	}
	return &engine{dir: dir, conn: conn}, nil
}

func (e *engine) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conn.Close()
}

// version is what the engine says it is.
func (e *engine) version(ctx context.Context) (major, minor int, err error) {
	blocks, err := e.Query(ctx, clickhouse.Request{Query: "SELECT version() AS v"})
	if err != nil {
		return 0, 0, err
	}
	text, ok := blocks[0][0].Data.(*proto.ColStr)
	if !ok {
		return 0, 0, fmt.Errorf("version() is a %T", blocks[0][0].Data)
	}
	if _, err := fmt.Sscanf(text.Row(0), "%d.%d.", &major, &minor); err != nil {
		return 0, 0, fmt.Errorf("version %q: %w", text.Row(0), err)
	}
	return major, minor, nil
}

// Query implements clickhouse.Engine.
func (e *engine) Query(_ context.Context, r clickhouse.Request) ([]clickhouse.Block, error) {
	b, err := e.run(r.Query)
	if err != nil {
		return nil, err
	}
	return blocks(b)
}

// run gives the result in the format Native.
func (e *engine) run(query string) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	res, err := e.conn.Query(query, "Native")
	if err != nil {
		return nil, refusal(err)
	}
	defer res.Free()
	return bytes.Clone(res.Buf()), nil // the engine's own memory
}

var code = regexp.MustCompile(`Code: (\d+)\. DB::Exception: (?s)(.*)`)

// refusal gives an error of the engine the number that it has.
func refusal(err error) error {
	m := code.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	n, _ := strconv.Atoi(m[1]) // digits
	return clickhouse.Refuse(proto.Error(n), strings.TrimSpace(m[2]))
}

// blocks takes a result apart.
func blocks(b []byte) (out []clickhouse.Block, err error) {
	r := proto.NewReader(bytes.NewReader(b))
	for {
		var head proto.Block
		var block clickhouse.Block
		err := head.DecodeRawBlock(r, revision, block.Auto())
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a block of the result: %w", err)
		}
		out = append(out, block)
	}
}

var insertion = regexp.MustCompile(`^INSERT INTO (\S+) \((.*)\) VALUES$`)

// Head implements clickhouse.Engine.
func (e *engine) Head(ctx context.Context, r clickhouse.Request) (clickhouse.Block, error) {
	m := insertion.FindStringSubmatch(r.Query)
	if m == nil {
		return nil, clickhouse.Refuse(proto.ErrSyntaxError, r.Query)
	}
	described, err := e.Query(ctx, clickhouse.Request{Query: "DESCRIBE TABLE " + m[1]})
	if err != nil {
		return nil, err
	}
	var head clickhouse.Block
	for _, b := range described {
		names, kinds := b[0].Data.(*proto.ColStr), b[1].Data.(*proto.ColStr) // name, type, and what else there is
		for i := range names.Rows() {
			if !strings.Contains(m[2], strconv.Quote(names.Row(i))) {
				continue
			}
			var col proto.ColAuto
			if err := col.Infer(proto.ColumnType(kinds.Row(i))); err != nil {
				return nil, err
			}
			head = append(head, proto.ResultColumn{Name: names.Row(i), Data: col.Data})
		}
	}
	return head, nil
}

// Insert implements clickhouse.Engine. The engine takes a query as text without zero bytes, so
// that the block goes by a file. It is read as one block, in one go.
func (e *engine) Insert(_ context.Context, r clickhouse.Request, b clickhouse.Block) error {
	m := insertion.FindStringSubmatch(r.Query)
	if m == nil {
		return clickhouse.Refuse(proto.ErrSyntaxError, r.Query)
	}
	var buf proto.Buffer
	in := make(proto.Input, len(b))
	structure := make([]string, len(b))
	for i, c := range b {
		in[i] = proto.InputColumn{Name: c.Name, Data: c.Data.(proto.ColInput)}
		structure[i] = c.Name + " " + string(c.Data.Type())
	}
	if err := (proto.Block{Columns: len(b), Rows: b.Rows()}).EncodeRawBlock(&buf, revision, in); err != nil {
		return err
	}
	f, err := os.CreateTemp(e.dir, "block")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(buf.Buf)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = e.run(fmt.Sprintf("INSERT INTO %s (%s) SETTINGS %s SELECT * FROM file('%s', 'Native', '%s')",
		m[1], m[2], settings(r.Settings), f.Name(), strings.Join(structure, ", ")))
	return err
}

// settings are the client's, and those that keep a block one.
func settings(of map[string]string) string {
	all := []string{"max_threads = 1", "max_insert_threads = 1", "min_insert_block_size_rows = 1000000", "min_insert_block_size_bytes = 0"}
	for k, v := range of {
		if _, err := strconv.Atoi(v); err != nil {
			v = "'" + strings.ReplaceAll(v, "'", `\'`) + "'"
		}
		all = append(all, k+" = "+v)
	}
	return strings.Join(all, ", ")
}
