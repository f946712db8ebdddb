package events

import (
	"fmt"
	"testing"
	"time"
)

func TestTimesRoundTripOrAreRefused(t *testing.T) {
	for _, year := range []int{-1, 0, 1, 2, 1969, 1970, 2026, 9998, 9999, 10000, 292277026596} {
		for _, at := range []time.Time{
			time.Date(year, 1, 1, 0, 0, 0, 1_000_000, time.UTC),
			time.Date(year, 2, 29, 23, 59, 59, 999_999_999, time.UTC),
			time.Date(year, 12, 31, 23, 59, 59, 999_000_000, time.FixedZone("", -12*3600)),
			time.Date(year, 1, 1, 0, 0, 0, 0, time.FixedZone("", 14*3600)),
		} {
			b, err := appendTime(nil, at)
			s := string(b)
			if y := at.UTC().Year(); (err == nil) != (1 <= y && y <= 9999) {
				t.Errorf("%s: %q, %v", at, s, err)
			}
			if err != nil {
				continue
			}
			got, err := parseTime(s)
			if want := at.UTC().Truncate(time.Millisecond); err != nil || got != want {
				t.Errorf("%s: %s, %v", s, got, err)
			}
		}
	}
	if s, err := appendTime(nil, time.Time{}); len(s) > 0 || err != nil {
		t.Errorf("no time is %q, %v", s, err)
	}
	if got, err := parseTime(""); err != nil || !got.IsZero() {
		t.Errorf(`"" is %s, %v`, got, err)
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, s := range []string{
		" ", "2026", "2026-01-02", "2026-01-02T15:04:05", "2026-01-02T15:04Z", "2026-01-02 15:04:05Z", "2026-01-02t15:04:05Z",
		"2026-01-02T15:04:05z", "2026-01-02T15:04:05.Z", "2026-01-02T15:04:05.1234567890Z", "2026-01-02T15:04:05,5Z", "2026-01-02T15:04:05+00:00",
		"2026-01-02T15:04:05.5+01:00Z", "2026-13-02T15:04:05Z", "2026-02-30T15:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T15:60:05Z",
		"2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-001-01-01T00:00:00Z",
		"2026-01-02T5:04:05Z", "٢٠٢٦-01-02T15:04:05Z", "2026-01-02T15:04:05.0x0Z",
	} {
		if got, err := parseTime(s); err == nil {
			t.Errorf("%q is %s", s, got)
		}
	}
}

// What is a time, and which, is as time.Parse had it when the first logs were written.
func TestParseTimeAgreesWithTheLibrary(t *testing.T) {
	days := []int{0, 1, 28, 29, 30, 31, 32}
	for _, year := range []int{0, 1, 4, 1900, 1970, 2000, 2023, 2024, 9999} {
		for month := range 14 {
			for i, day := range days {
				s := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%sZ", year, month, day, 4*i, 10*i, 11*i%61,
					[]string{"", ".5", ".05", ".0005", ".999", ".9999", ".123456789"}[(month+i)%len(days)])
				want, err := time.Parse(time.RFC3339Nano, s)
				want = want.Truncate(time.Millisecond)
				valid := err == nil && want.Year() >= 1 && !want.IsZero()
				if got, err := parseTime(s); (err == nil) != valid || valid && got != want {
					t.Errorf("%q is %s, %v, want %s, %t", s, got, err, want, valid)
				}
			}
		}
	}
}
