package reconcile

import (
	"regexp"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// timeColumn is a TIMESTAMP of the hub: the wall clock of a zone, or UTC and a Z.
type timeColumn struct {
	name   string
	utc    bool
	iso    bool // a T between date and time
	digits int  // of a second; more are cut off
}

var timestampType = regexp.MustCompile(`^TIMESTAMP(_LTZ)?(?: *\( *([0-9]) *\))?$`)

// timeColumnOf is a column as a time; false: what its text must be cannot be said here, as of
// a time in a STRING or a BIGINT.
func timeColumnOf(col *domain.Column, iso bool) (*timeColumn, bool) {
	parts := timestampType.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(col.Type)))
	if parts == nil {
		return nil, false
	}
	t := &timeColumn{name: col.Name, utc: parts[1] != "", iso: iso, digits: 6}
	if parts[2] != "" {
		t.digits = int(parts[2][0] - '0')
	}
	return t, true
}

// text is what the hub must show of a time.
func (c *timeColumn) text(at time.Time, zone *time.Location) string {
	if c.utc {
		zone = time.UTC
	}
	text := cutFraction(timeText(at, zone), c.digits)
	if c.iso {
		text = strings.Replace(text, " ", "T", 1)
	}
	if c.utc {
		text += "Z"
	}
	return text
}

// wall is what a column without a zone shows of a text of the hub. What is no time, or one of
// another form, becomes what no column shows.
func (c *timeColumn) wall(text string, zone *time.Location) string {
	if !c.utc && !c.iso || text == nullText {
		return text
	}
	layout := "2006-01-02 15:04:05"
	if c.iso {
		layout = "2006-01-02T15:04:05"
	}
	if !c.utc {
		if _, err := time.Parse(layout, text); err != nil {
			return misformed + text
		}
		return strings.Replace(text, "T", " ", 1)
	}
	at, err := time.Parse(layout+"Z", text)
	if err != nil {
		return misformed + text
	}
	return timeText(at, zone)
}

const misformed = "a time in another form than "

// cutFraction leaves a time so many digits of its second, and of them no zeros at the end.
func cutFraction(text string, digits int) string {
	whole, fraction, has := strings.Cut(text, ".")
	if !has || len(fraction) <= digits {
		return trimFraction(text)
	}
	return trimFraction(whole + "." + fraction[:digits])
}
