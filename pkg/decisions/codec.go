package decisions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
)

const (
	specVersion = "1.0"
	contentType = "application/json"
)

// body is a decision's value in the log.
type body struct {
	By        string           `json:"by"`
	Reason    string           `json:"reason,omitempty"`
	Partition events.Partition `json:"partition"`
	Tenant    events.Tenant    `json:"tenant,omitempty"`
	Room      events.RoomID    `json:"room,omitempty"`
	Event     events.EventID   `json:"event_id,omitempty"`
	At        events.Offset    `json:"offset,omitempty"`
	Sender    events.UserID    `json:"sender,omitempty"`
	Digest    string           `json:"digest,omitempty"`
	Seen      events.Offset    `json:"seen,omitempty"`
	Next      events.Offset    `json:"next,omitempty"`
	Resume    events.Offset    `json:"resume,omitempty"`
	From      string           `json:"from,omitempty"`
}

// Encode writes a decision for the topic: CloudEvents in Kafka's binary mode, as
// events are written. The source is the log that it is about, the subject the
// room or the partition. [ErrInvalid] where the decision is not complete.
func Encode(d Decision) (events.Message, error) {
	if err := d.check(); err != nil {
		return events.Message{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	b := body{
		By: d.By, Reason: d.Reason, Partition: d.Partition, Tenant: d.Tenant, Room: d.Room, Event: d.Event, At: d.At,
		Sender: d.Sender, Digest: d.Digest, Seen: d.Seen, Next: d.Next, Resume: d.Resume,
	}
	if d.From != (events.LogID{}) {
		b.From = d.From.String()
	}
	value, err := json.Marshal(b)
	if err != nil {
		return events.Message{}, fmt.Errorf("encode decision: %w", err)
	}
	m := events.Message{Key: []byte(d.Log.String()), Value: value}
	for _, h := range [][2]string{
		{events.HeaderSpecVersion, specVersion},
		{events.HeaderID, string(d.ID)},
		{events.HeaderType, string(d.Type)},
		{events.HeaderSource, d.Log.String()},
		{events.HeaderSubject, d.subject()},
		{events.HeaderTime, d.Time.UTC().Format(time.RFC3339Nano)},
		{events.HeaderContentType, contentType},
	} {
		m.Headers = append(m.Headers, events.Header{Key: h[0], Value: []byte(h[1])})
	}
	return m, nil
}

func (d *Decision) subject() string {
	if d.Type == GapAccepted {
		return strconv.Itoa(int(d.Partition))
	}
	return events.Key(d.Tenant, d.Room)
}

// Decode reads a record of the topic. [ErrUnknown]: a newer program's, not to be
// acted upon; any other error is [ErrInvalid]: no decision.
func Decode(m events.Message) (Decision, error) {
	d, err := decode(m)
	if err == nil {
		err = d.check()
	}
	if err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return Decision{}, err
	}
	return d, nil
}

func decode(m events.Message) (Decision, error) {
	if v := m.Header(events.HeaderSpecVersion); v != specVersion {
		return Decision{}, fmt.Errorf("%s is %.20q, not %q", events.HeaderSpecVersion, v, specVersion)
	}
	d := Decision{ID: events.EventID(m.Header(events.HeaderID)), Type: events.Type(m.Header(events.HeaderType))}
	switch d.Type {
	case RoomReleased, EventDiscarded, GapAccepted:
	default:
		return d, fmt.Errorf("%w: type %.60q", ErrUnknown, d.Type)
	}
	var err error
	if d.Time, err = time.Parse(time.RFC3339Nano, m.Header(events.HeaderTime)); err != nil {
		return d, fmt.Errorf("%s: %w", events.HeaderTime, err)
	}
	d.Time = d.Time.UTC()
	if d.Log, err = events.ParseLogID(m.Header(events.HeaderSource)); err != nil {
		return d, fmt.Errorf("%s: %w", events.HeaderSource, err)
	}
	b, err := decodeBody(m.Value)
	if err != nil {
		return d, err
	}
	d.By, d.Reason, d.Partition, d.Tenant, d.Room, d.Event, d.At = b.By, b.Reason, b.Partition, b.Tenant, b.Room, b.Event, b.At
	d.Sender, d.Digest, d.Seen, d.Next, d.Resume = b.Sender, b.Digest, b.Seen, b.Next, b.Resume
	if b.From != "" {
		if d.From, err = events.ParseLogID(b.From); err != nil {
			return d, fmt.Errorf("from: %w", err)
		}
	}
	return d, nil
}

// decodeBody takes a field that it does not know for a newer program's: what
// the decision means cannot be said here.
func decodeBody(value []byte) (b body, err error) {
	if err := json.Unmarshal(value, &b); err != nil {
		return b, fmt.Errorf("value: %w", err)
	}
	strict := json.NewDecoder(bytes.NewReader(value))
	strict.DisallowUnknownFields()
	var known body
	if err := strict.Decode(&known); err != nil {
		return b, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	if _, err := strict.Token(); !errors.Is(err, io.EOF) {
		return b, errors.New("something follows the value")
	}
	return b, nil
}
