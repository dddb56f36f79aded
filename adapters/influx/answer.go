package influx

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
)

// A verdict is what an answer means for the points of a request.
type verdict int

const (
	taken    verdict = iota
	refused          // some of them will never do
	doubtful         // they, or the request itself
	tooLarge         // fewer at once may do
	later            // the same request may do later
)

// complaints are how databases say that the fault is with points: what 1.8 and 2 write when others of the request were taken, and when not.
var complaints = []string{
	"partial write", "unable to parse", "field type conflict", "beyond retention", "outside retention", "invalid field format", "invalid number", "timestamp out of range",
	"time outside range", "missing tag value", "max-values-per-tag", "max key length", "duplicate tags",
}

// judge reads an answer. What is wrong with the account or the bucket is mended by people, so those points wait too.
func judge(err error) verdict {
	if err == nil {
		return taken
	}
	answer, ok := errors.AsType[*influxhttp.Error](err)
	if !ok {
		return later
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		for _, c := range complaints {
			if strings.Contains(answer.Message, c) {
				return refused
			}
		}
		return doubtful
	case http.StatusRequestEntityTooLarge:
		return tooLarge
	}
	return later
}

var droppedCount = regexp.MustCompile(`dropped=(\d+)`)

// allDropped says whether an answer is of every point of the request. Fewer than all may be those of one shard of the database alone, and of
// the others nothing is known.
func allDropped(err error, points int) bool {
	m := droppedCount.FindStringSubmatch(err.Error())
	if m == nil {
		return false
	}
	n, err := strconv.Atoi(m[1])
	return err == nil && n == points
}

// longestAsked bounds how long an answer can put us off.
const longestAsked = 5 * time.Minute

// retryAfter is how long the answer asks to wait: seconds, or until a date.
func retryAfter(err error, now time.Time) time.Duration {
	answer, ok := errors.AsType[*influxhttp.Error](err)
	if !ok {
		return 0
	}
	wait := time.Duration(answer.RetryAfter) * time.Second
	if at, err := http.ParseTime(answer.Header.Get("Retry-After")); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, longestAsked))
}

// maxError keeps an answer with every refused line in it out of the log.
const maxError = 300

// plain is the error without the address, shortened, and with what people can do about it.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	text := err.Error()
	if len(text) > maxError {
		text = text[:maxError] + "…"
	}
	if answer, ok := errors.AsType[*influxhttp.Error](err); ok {
		return fmt.Errorf("status %d: %s%s", answer.StatusCode, text, remedy(answer.StatusCode))
	}
	return errors.New(text)
}

func remedy(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "; mend the token of history, or give it the right to write"
	case http.StatusNotFound:
		return "; make the bucket (in 1.8 the database), or mend bucket and org of history"
	}
	return ""
}
