package result

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Capacity is the part of the measurements that says what grows with what.
const Capacity = "capacity"

// Curve is what there is more and more of.
type Curve string

// What grows.
const (
	Rooms      Curve = "rooms"
	Events     Curve = "events" // in log and tables
	Followers  Curve = "followers"
	Partitions Curve = "partitions"
	Text       Curve = "text" // bytes of each message
)

// What is measured at the points of curves.
const (
	AtSend   = "send"   // 64 clients
	AtPage   = "page"   // the newest, 16 clients
	AtBefore = "before" // pages anywhere in the history, by seq
	AtTime   = "at"     // the same by time
	AtStart  = "start"  // how long until a stopped process serves again
	AtHear   = "hear"   // delivery to followers
	// Idle streams of a person and of a room.
	AtPerson = "person"
	AtRoom   = "room"
)

// Grows reports whether a measurement is a point of a curve.
func Grows(measure string) bool {
	return slices.ContainsFunc([]Curve{Rooms, Events, Followers, Partitions, Text}, func(c Curve) bool {
		_, ok := c.Point(measure)
		return ok
	})
}

// At is the measurement of a point of a curve.
func (c Curve) At(n int, what string) string { return fmt.Sprintf("%s-%d-%s", c, n, what) }

// Point is where on the curve a measurement is; ok is false where it is none of it.
func (c Curve) Point(measure string) (n int, ok bool) {
	rest, found := strings.CutPrefix(measure, string(c)+"-")
	number, _, more := strings.Cut(rest, "-")
	n, err := strconv.Atoi(number)
	return n, err == nil && found && more
}
