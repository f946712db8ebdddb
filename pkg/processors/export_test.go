package processors

import "time"

// LastBreath is when the last one ended.
func LastBreath() time.Duration { return time.Duration(ended.Load()) }
