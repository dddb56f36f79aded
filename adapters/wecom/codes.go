package wecom

import (
	"fmt"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// WeCom's codes that are told apart (全局错误码, developer.work.weixin.qq.com/document/path/90313). What is not here was refused, for a reason
// of the application's.
const (
	busy       = -1    // 系统繁忙: nobody can say
	conflict   = 6000  // 数据版本冲突: likewise
	taskExists = 42014 // the task ID was there before, or is none, or the card is not as it should be
)

// staleToken are the codes by which an access token is no more; nothing was done.
var staleToken = map[int]bool{40014: true, 42001: true, 41001: true}

// noSuchMember are the codes by which nobody was there to be told.
var noSuchMember = map[int]bool{
	81013: true, // none of the receivers is in the application's scope, or exists
	40003: true, // 无效的UserID
	40031: true, // 不合法的UserID列表
	60111: true, // the member does not exist
	82001: true, // none of the receivers is left
}

// tooMuch are the codes by which WeCom takes no more for a while; nothing was done.
var tooMuch = map[int]bool{
	45009: true, // calls of an interface a minute, hour or day; a robot's twenty messages a minute
	45033: true, // calls at a time
	45024: true, // cards a day to one member
	45047: true, // messages one after the other
}

// fail is the error of a code.
func fail(code int) error {
	err := fmt.Errorf("code %d", code)
	switch {
	case tooMuch[code]:
		return fmt.Errorf("%w: %w", httpcall.ErrLimited, err)
	case noSuchMember[code]:
		return fmt.Errorf("%w: %w", stillwater.ErrRefused, err)
	case staleToken[code]:
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	case code == busy || code == conflict:
		return err
	}
	return fmt.Errorf("%w: %w", httpcall.ErrUnable, err)
}
