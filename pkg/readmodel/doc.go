// Package readmodel is what a projection of the log looks like: its tables, how
// a projector writes them and how the API reads them.
//
// A [Store] is one version of the projection in one database; packages postgres
// and sqlite implement it, package storetest is the suite that both pass. All
// writing of log contents goes through [Store.Fold]: one transaction that begins
// with the fence of the partition's checkpoint and ends with rows and checkpoint
// committed together. All reading goes through [Store.Snapshot], so that
// checkpoint, authorization and rows of an answer are of one moment.
//
// Versions live side by side. A [Control] says which one is live, and the drivers'
// live stores read that one, whichever it is, snapshot by snapshot.
//
// Times are Unix milliseconds, JSON is text.
package readmodel
