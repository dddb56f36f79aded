package spool

import (
	"errors"
	"math"
	"syscall"
)

// errRoom says that the disk has less free than it must keep, and that there is nothing left here to give up.
var errRoom = errors.New("the disk has too little room left")

// freeBytes is how much an ordinary process may still write to the file system of a folder; everything, where it does not say.
func freeBytes(folder string) int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return math.MaxInt64
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
