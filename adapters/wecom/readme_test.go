package wecom_test

import (
	"os"
	"regexp"
	"testing"

	"stillwater/adapters/wecom"
	"stillwater/gateway/config"
)

// The configuration that the README shows is one.
func TestSampleOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(readme)
	if sample == nil {
		t.Fatal("the README shows none")
	}
	c := wecom.Defaults()
	if _, problems := config.Parse("README.md", sample[1], &c); len(problems) > 0 || c.CorpID == "" || len(c.Robots) != 1 {
		t.Errorf("%v: %+v", problems, c)
	}
}
