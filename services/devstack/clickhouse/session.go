package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// session is one connection of a client.
type session struct {
	f          *Front
	conn       net.Conn
	in         *proto.Reader
	out        proto.Buffer
	version    int
	compressor *compress.Writer
}

func newSession(f *Front, c net.Conn) *session {
	return &session{f: f, conn: c, in: proto.NewReader(c), compressor: compress.NewWriter(compress.LevelZero, compress.LZ4)}
}

// errCut breaks a connection off without a word.
var errCut = errors.New("cut")

func (s *session) serve(ctx context.Context) error {
	if err := s.hello(); err != nil {
		return err
	}
	for {
		code, err := s.in.UVarInt()
		if err != nil {
			return err
		}
		switch proto.ClientCode(code) {
		case proto.ClientCodePing:
			proto.ServerCodePong.Encode(&s.out)
		case proto.ClientCodeQuery:
			if err := s.query(ctx); err != nil {
				return err
			}
		case proto.ClientCodeCancel: // of a query that is answered already
		default:
			return fmt.Errorf("packet %d of a client between queries", code)
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
}

func (s *session) hello() error {
	code, err := s.in.UVarInt()
	if err != nil || proto.ClientCode(code) != proto.ClientCodeHello {
		return errors.Join(err, errors.New("the first packet of a client is no hello"))
	}
	var hello proto.ClientHello
	if err := hello.Decode(s.in); err != nil {
		return err
	}
	if hello.User != s.f.cfg.User || hello.Password != s.f.cfg.Password {
		s.refuse(Refuse(proto.ErrWrongPassword, "Wrong password for user "+hello.User))
		return errors.Join(s.flush(), errCut)
	}
	s.version = min(hello.ProtocolVersion, s.f.cfg.Revision)
	(&proto.ServerHello{
		Name: "ClickHouse stand-in", Major: s.f.cfg.Major, Minor: s.f.cfg.Minor, Revision: s.f.cfg.Revision, Timezone: "UTC", DisplayName: "front",
	}).EncodeAware(&s.out, s.version)
	if err := s.flush(); err != nil || !proto.FeatureAddendum.In(s.version) {
		return err
	}
	_, err = s.in.Str() // the addendum: a quota key
	return err
}

// query answers one query. Its error is the end of the connection.
func (s *session) query(ctx context.Context) error {
	q, err := s.request()
	if err != nil {
		return err
	}
	if s.version > 54031 && !proto.FeatureClientWriteInfo.In(s.version) {
		s.refuse(Refuse(proto.ErrUnknownSetting, "Unknown setting"))
		return errors.Join(s.flush(), errCut)
	}
	if _, err := s.data(q.compressed); err != nil { // tables beside the query: none
		return err
	}
	if q.Insert() {
		return s.insert(ctx, q)
	}
	return s.within(q, func() error {
		blocks, err := s.f.cfg.Engine.Query(ctx, q.Request)
		if err != nil {
			s.refuse(err)
			return nil
		}
		for _, b := range blocks {
			if err := s.send(b, q.compressed); err != nil {
				return err
			}
		}
		proto.ServerCodeEndOfStream.Encode(&s.out)
		return nil
	})
}

func (s *session) insert(ctx context.Context, q request) error {
	head, err := s.f.cfg.Engine.Head(ctx, q.Request)
	if err != nil {
		s.refuse(err)
		return nil
	}
	if err := s.send(head, q.compressed); err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	var blocks []Block
	for {
		b, err := s.data(q.compressed)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			break
		}
		blocks = append(blocks, b)
	}
	return s.within(q, func() error {
		for _, b := range blocks {
			if err := s.f.cfg.Engine.Insert(ctx, q.Request, b); err != nil {
				s.refuse(err)
				return nil
			}
		}
		proto.ServerCodeEndOfStream.Encode(&s.out)
		return nil
	})
}

// within does a request, unless the connection is cut before it or after it.
func (s *session) within(q request, do func() error) error {
	cut := CutNone
	if s.f.cfg.OnRequest != nil {
		cut = s.f.cfg.OnRequest(q.Request)
	}
	if cut == CutBefore {
		return errCut
	}
	err := do()
	if cut == CutAfter {
		return errCut
	}
	return err
}

// refuse answers with an error.
func (s *session) refuse(err error) {
	e := proto.Exception{Code: proto.ErrUnknownException, Name: "DB::Exception", Message: err.Error()}
	if said, ok := ch.AsException(err); ok {
		e.Code, e.Name, e.Message = said.Code, said.Name, said.Message
	}
	proto.ServerCodeException.Encode(&s.out)
	e.EncodeAware(&s.out, s.version)
}

func (s *session) flush() error {
	_, err := s.conn.Write(s.out.Buf)
	s.out.Reset()
	return err
}
