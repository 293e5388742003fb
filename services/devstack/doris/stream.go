package doris

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-mysql-org/go-mysql/mysql"
)

const nullCell = 0xfb

func appendText(b []byte, s string) []byte {
	b = append(b, mysql.PutLengthEncodedInt(uint64(len(s)))...)
	return append(b, s...)
}

// field is the column definition of a value as a front end sends it.
func field(name string, t valueType) *mysql.Field {
	f := &mysql.Field{Name: []byte(name), Charset: charsetUTF8}
	switch t.kind {
	case KindInt:
		f.Type, f.Charset, f.ColumnLength, f.Flag = mysql.MYSQL_TYPE_LONGLONG, 63, 20, mysql.BINARY_FLAG
	case KindBool:
		f.Type, f.Charset, f.ColumnLength, f.Flag = mysql.MYSQL_TYPE_TINY, 63, 1, mysql.BINARY_FLAG
	case KindDateTime:
		f.Type, f.ColumnLength, f.Decimal = mysql.MYSQL_TYPE_DATETIME, 26, uint8(max(t.scale, 0))
		if t.scale == dateScale {
			f.Type, f.ColumnLength = mysql.MYSQL_TYPE_DATE, 10
		}
	case KindFloat:
		f.Type, f.Charset, f.ColumnLength, f.Flag = mysql.MYSQL_TYPE_DOUBLE, 63, 22, mysql.BINARY_FLAG
	case KindDecimal:
		f.Type, f.Charset, f.ColumnLength, f.Flag, f.Decimal = mysql.MYSQL_TYPE_NEWDECIMAL, 63, maxDecimal+2, mysql.BINARY_FLAG, uint8(t.scale)
	case KindLarge:
		f.Type, f.ColumnLength = mysql.MYSQL_TYPE_STRING, 40
	default:
		f.Type, f.ColumnLength = mysql.MYSQL_TYPE_BLOB, stringSoftLimit
	}
	return f
}

// stream runs a query and sends its rows as they come: a million of them take no more memory than one.
func (c *session) stream(q query, rows bool) (*mysql.Result, error) {
	conn, done, err := c.s.reading(c.ctx, rows, c.vars["enable_strong_consistency_read"] == "1")
	if err != nil {
		return nil, err
	}
	defer done()
	var result *mysql.Result
	err = conn.Raw(func(dc any) error {
		rows, err := dc.(driver.QueryerContext).QueryContext(c.ctx, q.sql, nil)
		if err != nil {
			return fmt.Errorf("stand-in's storage: %w", err)
		}
		defer rows.Close()
		result, err = c.sendRows(c.ctx, q, rows)
		return err
	})
	return result, err
}

func (c *session) sendRows(ctx context.Context, q query, rows driver.Rows) (*mysql.Result, error) {
	set := mysql.NewResultset(len(q.names))
	for i, n := range q.names {
		set.Fields[i] = field(n, q.types[i])
	}
	set.Streaming = mysql.StreamingSelect
	defer func() { set.StreamingDone = true }()
	result := mysql.NewResult(set)
	values := make([]driver.Value, len(q.names))
	packet := make([]byte, 4, 4096)
	// The first row is asked for before the header goes out, so that most errors can still be said properly.
	err := rows.Next(values)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("stand-in's storage: %w", err)
	}
	if err := c.conn.WriteValue(result); err != nil {
		return nil, err
	}
	for ; err == nil; err = rows.Next(values) {
		packet = packet[:4]
		for i, v := range values {
			if packet, err = appendValue(packet, v, q.types[i]); err != nil {
				return nil, err
			}
		}
		if err := c.conn.WritePacket(packet); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("stand-in's storage: %w", err)
	}
	return result, nil
}

// appendValue adds one cell in the text protocol.
func appendValue(b []byte, v driver.Value, t valueType) ([]byte, error) {
	var buf [32]byte
	switch v := v.(type) {
	case nil:
		return append(b, nullCell), nil
	case int64:
		var text []byte
		switch t.kind {
		case KindDateTime:
			text = appendDateTime(buf[:0], v, t.scale)
		case KindDecimal:
			text = appendDecimal(buf[:0], v, t.scale)
		default:
			text = strconv.AppendInt(buf[:0], v, 10)
		}
		b = append(b, byte(len(text)))
		return append(b, text...), nil
	case string:
		return appendText(b, v), nil
	case []byte:
		return appendText(b, string(v)), nil
	case float64:
		if t.kind == KindFloat {
			return appendText(b, strconv.FormatFloat(v, 'g', -1, 64)), nil
		}
		return nil, refuse("stand-in does not support results beyond BIGINT")
	default:
		return nil, refuse("stand-in does not support a result of %T", v)
	}
}
