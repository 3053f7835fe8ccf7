package demo

// RoomyMemory is where clusters live by default, if not empty.
var RoomyMemory = roomyMemory
