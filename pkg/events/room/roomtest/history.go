package roomtest

import (
	"math/rand/v2"

	"pgregory.net/rapid"
)

// Config says what histories hold. The zero Config is a good default.
type Config struct {
	// Records is the number of records; zero is 1 to 80.
	Records int
	// Parking adds events that this program cannot judge: of an unknown type, or
	// a room with newer rules. The fold parks their rooms.
	Parking bool
	// Garbage adds records that are no events.
	Garbage bool
}

// Histories draws random histories of a few rooms in two tenants, interleaved.
func Histories(c Config) *rapid.Generator[[]Record] {
	return rapid.Custom(func(t *rapid.T) []Record {
		n := c.Records
		if n == 0 {
			n = rapid.IntRange(1, 80).Draw(t, "records")
		}
		return history(c, n, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "") })
	})
}

// History gives one history for a seed: for long ones, and outside of property
// tests. Config.Records must be set.
func History(c Config, seed uint64) []Record {
	r := rand.New(rand.NewPCG(seed, 0x726f6f6d6c6f67))
	return history(c, c.Records, r.IntN)
}

// history makes n records from the choices of pick, which gives a number in [0, n).
func history(c Config, n int, pick func(n int) int) []Record {
	w := newWriter(pick)
	for range n {
		w.step(c)
	}
	return w.records
}
