package eventlog

import (
	"testing"

	"github.com/roomlog/roomlog/pkg/events"
)

// The values are those of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
func TestMurmur2IsJavas(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	for _, tc := range []struct {
		key        string
		partitions int
		want       events.Partition
	}{
		{"21", 12, (-973932308 & 0x7fffffff) % 12},
		{"foobar", 7, (-790332482 & 0x7fffffff) % 7},
		{"abc", 90, 479470107 % 90},
		{"", 1, 0},
	} {
		if got := PartitionOf(tc.key, tc.partitions); got != tc.want {
			t.Errorf("PartitionOf(%q, %d) = %d, want %d", tc.key, tc.partitions, got, tc.want)
		}
	}
}
