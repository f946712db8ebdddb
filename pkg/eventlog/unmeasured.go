package eventlog

import "github.com/rcrowley/go-metrics"

// unmeasured is a registry for sarama, which measures each request with a score of
// meters and histograms that nobody reads, and has a goroutine for the life of the
// process for them.
type unmeasured struct{ metrics.Registry }

// GetOrRegister gives a metric that does nothing in the place of the one that it is
// to make.
func (u unmeasured) GetOrRegister(name string, metric any) any {
	switch metric.(type) {
	case func() metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Histogram:
		return metrics.NilHistogram{}
	case func() metrics.Counter:
		return metrics.NilCounter{}
	default:
		return u.Registry.GetOrRegister(name, metric)
	}
}
