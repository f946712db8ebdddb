// Package live knows how far the read model is and hands what becomes visible to
// those who follow.
//
// A [Follower] listens to the timeline: each commit of a projector, in a chain
// per partition. It wakes who waits for a position ([Follower.WaitFolded]) and
// gives the events to the [Hub]. The timeline may lose, repeat and stop: a hole
// in a chain, or no word for three seconds, sends followers to the read model,
// which is the truth. A [Session] is one stream: it replays from the read model,
// then takes what the hub gives. What it shows, and where it is, its [Track]
// knows: a [RoomTrack] goes by the seqs of one room, a [PersonTrack] by the
// offsets of all partitions that a person's rooms lie in.
//
// Order holds per room. Nothing here waits for a slow follower.
package live
