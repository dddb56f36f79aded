package templatesms

import (
	"fmt"
	"strings"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// A class is what a provider's code says of a message. Its zero value is unclear: it may have left.
type class int

const (
	unclear class = iota
	refused       // this number, by whomever
	unable        // not by this provider: its account, signature or template
	limited       // too much was sent; nothing left
	notSent       // nothing left; trying again is right
)

// A rule says of codes that begin so what they mean; the longest beginning counts.
type rule struct {
	begins string
	class  class
}

// aliyunCodes are of help.aliyun.com/document_detail/101346.html and 101347.html; those without a product in front are the gateway's
// (api.aliyun.com/document/Dysmsapi/2017-05-25/errorCode).
var aliyunCodes = []rule{
	{"isv.", unable}, // account, signature, template, parameters: nothing was sent
	{"isv.MOBILE_NUMBER_ILLEGAL", refused},
	{"isv.BUSINESS_LIMIT_CONTROL", limited}, // by number, signature and template
	{"isv.DAY_LIMIT_CONTROL", limited},
	{"isv.MONTH_LIMIT_CONTROL", limited},
	{"isp.RAM_PERMISSION_DENY", unable},
	{"isp.", unclear}, // isp.SYSTEM_ERROR: nobody can say
	{"Throttling", limited},
	{"InvalidAccessKeyId", unable},
	{"SignatureDoesNotMatch", unable},
	{"IncompleteSignature", unable},
	{"InvalidTimeStamp", unable},    // our clock is wrong
	{"SignatureNonceUsed", unclear}, // a request like it has come before
	{"Missing", unable},
	{"Forbidden", unable},
	{"NoPermission", unable},
	{"InvalidAction", unable},
	{"InvalidVersion", unable},
	{"ServiceUnavailable", unclear},
	{"InternalError", unclear},
}

// tencentCodes are of cloud.tencent.com/document/api/382/55981 (errors of SendSms) and cloud.tencent.com/document/api/382/59177 (common ones).
var tencentCodes = []rule{
	{"FailedOperation.", unable},                        // signature, template, balance of the package
	{"FailedOperation.PhoneNumberInBlacklist", refused}, // has opted out, or is on a carrier's list
	{"FailedOperation.PhoneNumberParseFail", refused},
	{"InvalidParameterValue.IncorrectPhoneNumber", refused},
	{"LimitExceeded", limited},
	{"RequestLimitExceeded", limited},
	{"InvalidParameter", unable},
	{"MissingParameter", unable},
	{"UnknownParameter", unable},
	{"UnauthorizedOperation", unable},
	{"UnsupportedOperation", unable},
	{"AuthFailure", unable},
	{"InvalidAction", unable},
	{"NoSuchVersion", unable},
	{"NoSuchProduct", unable},
	{"ResourceInsufficient", notSent},
	{"InternalError", unclear},                     // timeouts between them and the carrier
	{"InternalError.RequestTimeException", unable}, // our clock is wrong
	{"InternalError.SigVerificationFail", unable},
	{"InternalError.SigFieldMissing", unable},
	{"InternalError.RestApiInterfaceNotExist", unable},
}

// classify finds what a code means; one that is not known is unclear.
func classify(rules []rule, code string) class {
	best, at := unclear, -1
	for _, r := range rules {
		if strings.HasPrefix(code, r.begins) && len(r.begins) > at {
			best, at = r.class, len(r.begins)
		}
	}
	return best
}

// fail is the error of a code.
func (c class) fail(code string) error {
	err := fmt.Errorf("code %s", word(code))
	switch c {
	case refused:
		return fmt.Errorf("%w: %w", stillwater.ErrRefused, err)
	case unable:
		return fmt.Errorf("%w: %w", httpcall.ErrUnable, err)
	case limited:
		return fmt.Errorf("%w: %w", httpcall.ErrLimited, err)
	case notSent:
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	}
	return err
}
