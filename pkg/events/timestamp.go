package events

import (
	"errors"
	"fmt"
	"time"
)

var errTime = errors.New("not a time as 2006-01-02T15:04:05.000Z, with no or up to nine decimals")

// appendTime writes a time as [AppendTime] does; nothing for the zero time. Years are 1
// to 9999.
func appendTime(b []byte, t time.Time) ([]byte, error) {
	if t.IsZero() {
		return b, nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		return b, fmt.Errorf("a time in the year %d cannot be written", t.Year())
	}
	return AppendTime(b, t), nil
}

// parseTime reads what appendTime wrote, with any number of decimals up to
// nine. It is stricter than time.Parse, which has become stricter over the years
// (and an event must not become none by that).
func parseTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	const whole = "0000-00-00T00:00:00"
	if len(s) < len(whole)+1 || len(s) > len(whole)+len(".000000000Z") || s[len(s)-1] != 'Z' {
		return time.Time{}, errTime
	}
	for i := range len(whole) {
		if digit := '0' <= s[i] && s[i] <= '9'; digit != (whole[i] == '0') || !digit && s[i] != whole[i] {
			return time.Time{}, errTime
		}
	}
	if decimals := s[len(whole) : len(s)-1]; decimals != "" {
		if decimals[0] != '.' || len(decimals) == 1 {
			return time.Time{}, errTime
		}
		for _, c := range decimals[1:] {
			if c < '0' || c > '9' {
				return time.Time{}, errTime
			}
		}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errTime // of a day or hour that there is not
	}
	if t = t.Truncate(time.Millisecond); t.Year() < 1 || t.IsZero() {
		return time.Time{}, errTime
	}
	return t, nil
}
