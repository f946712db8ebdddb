package projector

import (
	"errors"
	"fmt"
	"runtime"
)

// Config is how a projector folds. The tags are those of the command line.
type Config struct {
	Group     string `help:"Consumer group; all projectors of one projection share it." default:"roomlog.projector"`
	MaxBatch  int    `name:"max-batch" help:"Most records folded in one transaction." default:"10000"`
	Parallel  int    `help:"Most partitions folded at the same time; 0: twice the processors." default:"0"`
	RoomCache int    `name:"room-cache" help:"Rooms whose headers are kept in memory, per partition, and as many members of rooms." default:"10000"`
}

// connections is how many a version's tables need, so that no partition that may
// fold waits for one: a claim and a look at the parked come beside the batches.
func (c *Config) connections() int { return c.Parallel + 2 }

// Validate completes the defaults and checks the rest.
func (c *Config) Validate() error {
	if c.Group == "" {
		c.Group = "roomlog.projector"
	}
	if c.MaxBatch == 0 {
		c.MaxBatch = 10_000
	}
	if c.RoomCache == 0 {
		c.RoomCache = 10_000
	}
	if c.Parallel == 0 {
		c.Parallel = 2 * runtime.GOMAXPROCS(0)
	}
	var errs []error
	if c.MaxBatch < 1 || c.MaxBatch > 10_000 {
		errs = append(errs, fmt.Errorf("--max-batch is %d, allowed are 1 to 10000", c.MaxBatch))
	}
	if c.Parallel < 1 {
		errs = append(errs, fmt.Errorf("--parallel is %d, must be at least 1", c.Parallel))
	}
	if c.RoomCache < 1 {
		errs = append(errs, fmt.Errorf("--room-cache is %d, must be at least 1", c.RoomCache))
	}
	return errors.Join(errs...)
}
