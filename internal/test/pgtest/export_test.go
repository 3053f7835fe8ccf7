package pgtest

// GiveUp decides between skipping and failing.
var GiveUp = giveUp
