package kafkaconn_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/projections/kafkaconn"
)

func TestLogOnlyAtDebug(t *testing.T) {
	c := standin(t)
	said := func(level slog.Level) string {
		var text bytes.Buffer
		cl, err := kafkaconn.Dial(c, kafkaconn.Log(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level}))))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = kafkaconn.Describe(deadline(t), cl, "nowhere")
		cl.Close()
		return text.String()
	}
	if text := said(slog.LevelInfo); text != "" {
		t.Errorf("at info: %s", text)
	}
	if text := said(slog.LevelDebug); !strings.Contains(text, "level=DEBUG msg=\"kafka client\"") || !strings.Contains(text, "client_msg=") {
		t.Errorf("at debug: %q", text)
	}
}
