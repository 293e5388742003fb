package clickhouse

import (
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
)

// request is a Request as it came.
type request struct {
	Request
	compressed bool // the blocks of both sides
}

// request reads a query. ch-go's own reader wants settings, which an old client leaves out.
func (s *session) request() (request, error) {
	r := request{Request: Request{Settings: map[string]string{}}}
	var q proto.Query
	var err error
	if proto.FeatureSettingsSerializedAsStrings.In(s.version) {
		err = q.DecodeAware(s.in, s.version)
	} else {
		err = s.oldQuery(&q)
	}
	if err != nil {
		return r, err
	}
	r.Query, r.compressed = q.Body, q.Compression == proto.CompressionEnabled
	for _, set := range q.Settings {
		r.Settings[set.Key] = set.Value
	}
	return r, nil
}

func (s *session) oldQuery(q *proto.Query) (err error) {
	if q.ID, err = s.in.Str(); err != nil {
		return err
	}
	if proto.FeatureClientWriteInfo.In(s.version) {
		if err := q.Info.DecodeAware(s.in, s.version); err != nil {
			return err
		}
	}
	if set, err := s.in.Str(); err != nil || set != "" {
		return fmt.Errorf("setting %q in a protocol without settings: %w", set, err)
	}
	if _, err := s.in.UVarInt(); err != nil { // the stage
		return err
	}
	compression, err := s.in.UVarInt()
	if err != nil {
		return err
	}
	q.Compression = proto.Compression(compression)
	q.Body, err = s.in.Str()
	return err
}

// data reads a block; none of its columns for the empty one at the end.
func (s *session) data(compressed bool) (Block, error) {
	code, err := s.in.UVarInt()
	if err != nil {
		return nil, err
	}
	if proto.ClientCode(code) != proto.ClientCodeData {
		return nil, fmt.Errorf("packet %d of a client where a block is due", code)
	}
	var table proto.ClientData
	if err := table.DecodeAware(s.in, s.version); err != nil {
		return nil, err
	}
	if compressed {
		s.in.EnableCompression()
		defer s.in.DisableCompression()
	}
	var block proto.Block
	var b Block
	err = block.DecodeBlock(s.in, s.version, b.Auto())
	return b, err
}

// send writes a block.
func (s *session) send(b Block, compressed bool) error {
	proto.ServerCodeData.Encode(&s.out)
	if proto.FeatureTempTables.In(s.version) {
		s.out.PutString("")
	}
	start := len(s.out.Buf)
	in := make(proto.Input, len(b))
	for i, c := range b {
		data, ok := c.Data.(proto.ColInput)
		if !ok {
			return fmt.Errorf("column %s of %T is not to be sent", c.Name, c.Data)
		}
		in[i] = proto.InputColumn{Name: c.Name, Data: data}
	}
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(b)}
	if len(b) > 0 {
		block.Rows = b.Rows()
	}
	if err := block.EncodeBlock(&s.out, s.version, in); err != nil {
		return err
	}
	if !compressed {
		return nil
	}
	if err := s.compressor.Compress(s.out.Buf[start:]); err != nil {
		return err
	}
	s.out.Buf = append(s.out.Buf[:start], s.compressor.Data...)
	return nil
}
